"""Addresses without what nobody should read in a log."""

import re

# What an address asks for by such a name is a password; a key that is a file is none.
_ASKED = r"(?:pass|pwd|psw|token|secret|auth)[^\s=&]*=[^\s&/]|key=[^\s&/.]+(?:[\s&]|$)"
_QUOTED = r""""(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?"""


def hide_secrets(source: str) -> str:
    """An address without user, password and query, for messages."""
    return re.sub(r"(://[^\s?]*)\?\S*", r"\1?***", hide_passwords(source))


def hide_passwords(source: str) -> str:
    """An address without user and password; it is the same if it holds none."""
    # Up to the last @: a password may hold a slash.
    plain = re.sub(r"(?<=://)\S*@", "***@", source)
    # With many services the path is the password.
    plain = re.sub(r"(?i)(\bwebhook:https?://[^\s/?]*[/?])\S+", r"\1***", plain)
    plain = re.sub(rf"(?i)(://[^\s?]*)\?(?=\S*(?:{_ASKED}))\S*", r"\1?***", plain)
    # GStreamer's own, whose values end as its do: user-pw="two words", user-pw=(string)two\ words.
    plain = re.sub(
        rf"(?i)((?:user|proxy)-(?:id|pw)|passphrase)\s*=\s*(?:\(\w+\)\s*)?"
        rf"(?:{_QUOTED}|\\.?|[^\s\"'\\])+",
        r"\1=***",
        plain,
    )
    # Cameras want them in the path: user=admin_password=my_own_channel=1.
    return re.sub(
        rf"(?i)(pass|password|passwd|pwd|token)=(?:{_QUOTED}|(?:(?!_[a-z]+=)[^&/\s])+)",
        r"\1=***",
        plain,
    )
