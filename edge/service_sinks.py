"""What a service needs for a sink: told without opening anything that others could notice."""

import os
import re
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from edgefer.errors import EdgeferError
from edgefer.plugins import resolve

from .service import STATE

NEW_TOKEN = "sudo sh -c 'umask 077; openssl rand -hex 16 > /etc/edgefer.token'"
UNKNOWN = "a token that nobody gave"


@dataclass(frozen=True)
class Needs:
    """What a service must be able to reach for a sink.

    Attributes
    ----------
    writes : tuple of str
        Files and folders.
    reads : tuple of str
        Files.
    """

    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


def needs(spec: str, *, force: bool = False, token: Path | None = None) -> Needs:
    """What a service needs for the sink that a string names.

    Parameters
    ----------
    spec : str
        As for `edgefer.edge.sinks.open_sink`.
    force : bool
        Whether a file that is there may be replaced.
    token : Path, optional
        A file that holds the token of the web page.

    Raises
    ------
    EdgeferError
        If there is no such sink, a run would refuse it, or it is none for a service.
    """
    from .sinks import SINKS, open_sink

    kind, _, where = spec.partition(":")
    if kind in ("jsonl", "csv", "warnings", "video"):
        return _file(kind, where, force=force)
    if kind == "web":
        return _web(where, token)
    if kind in ("mqtt", "mqtts"):
        return _mqtt(kind, where)
    if kind == "window":
        raise EdgeferError("a service has no screen for window. Try web:8080, a page to watch.")
    if kind == "prometheus":
        from .sinks.prometheus import parse_address

        parse_address(where)
    elif kind in SINKS or not re.fullmatch(r"[\w.]+:\w+", spec):
        open_sink(spec).close()  # the console or a webhook; all others are refused
    else:
        resolve(spec, SINKS)
    return Needs()


def _file(kind: str, where: str, *, force: bool) -> Needs:
    from .sinks import open_sink

    path, options = _parted(where)
    if not path or path == "-":
        open_sink(f"{kind}:{where}").close()
        return Needs()
    if kind == "video" and not force:
        raise EdgeferError(
            f"video:{where} is there when the service starts again. Add -- --force, and each start "
            "replaces what the one before wrote."
        )
    folder = Path(os.path.normpath(STATE / path)).parent
    if STATE in folder.parents and not os.path.isdir(folder):  # noqa: PTH112  (or not to be seen)
        raise EdgeferError(f"there is no folder {folder}. Type {kind}:{Path(path).name}{options}.")
    # Whether it can be so is seen beside the place where it will be.
    with TemporaryDirectory() as beside, redirect_stderr(StringIO()):
        open_sink(f"{kind}:{beside}/{Path(path).name}{options}").close()
    return Needs(writes=(path,))


def _web(where: str, token: Path | None) -> Needs:
    from .sinks.web import sink  # noqa: F401  (its packages may be missing)
    from .sinks.web.address import TOKEN, TOKEN_FILE, parse_address

    given = {TOKEN_FILE: str(token)} if token else {TOKEN: UNKNOWN}
    address = parse_address(where, given)
    if address.token == UNKNOWN and not address.is_local:
        raise EdgeferError(
            f"web:{where} can be seen by others, and needs a token. Type: {NEW_TOKEN}, and then "
            "--web-token /etc/edgefer.token before the options of run."
        )
    asked = _options(where)
    reads = [asked[name] for name in ("cert", "key", "token") if asked.get(name)]
    return Needs((asked["record"],) if asked.get("record") else (), tuple(reads))


def _mqtt(scheme: str, where: str) -> Needs:
    from .sinks import mqtt  # noqa: F401  (its package may be missing)
    from .sinks.mqtt_address import parse_address

    address = parse_address(scheme, where)
    spool = _options(where).get("spool")
    files = (address.ca, address.cert, address.key)
    return Needs((spool,) if spool else (), tuple(filter(None, files)))


def _parted(where: str) -> tuple[str, str]:
    """A place, and the options behind it with their question mark."""
    found = re.fullmatch(r"(.*?)(\?[^?=&]+=[^?]*)?", where, re.DOTALL)
    return (found[1], found[2] or "") if found else (where, "")


def _options(where: str) -> dict[str, str]:
    pairs = _parted(where)[1].lstrip("?").split("&")
    return dict(pair.partition("=")[::2] for pair in pairs)
