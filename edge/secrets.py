"""Addresses without what nobody should read in a log."""

import re


def hide_secrets(source: str) -> str:
    """An address without user, password and query, for messages."""
    # Up to the last @: a password may hold a slash.
    plain = re.sub(r"(?<=://)\S*@", "***@", source)
    plain = re.sub(r"(://[^\s?]*)\?\S*", r"\1?***", plain)
    # Cameras that want them in the path (user=admin_password=...), and GStreamer's user-pw.
    return re.sub(r"(?i)(pass|password|pwd|token|user-id|user-pw)=[^&_/\s]+", r"\1=***", plain)
