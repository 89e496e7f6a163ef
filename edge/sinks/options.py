"""What may follow a sink's name: a place, a question mark, options."""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from edgefer.errors import EdgeferError

UNITS = {"": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}


class Rotation(NamedTuple):
    """When a log begins a new file.

    Attributes
    ----------
    limit : int or None
        Bytes that a file may hold, one line at least; None if it is one file for ever.
    keep : int
        Earlier files that are kept.
    """

    limit: int | None = None
    keep: int = 5


def split_options(where: str, known: Collection[str]) -> tuple[str, dict[str, str]]:
    """A place, and the options behind its last question mark.

    A file's name may hold a question mark too: options are what reads ``name=value&name=value``.

    Raises
    ------
    EdgeferError
        If one is not known, or given twice.
    """
    place, mark, rest = where.rpartition("?")
    pairs = [part.partition("=") for part in rest.split("&")]
    if not mark or not all(name and sign for name, sign, _ in pairs):
        return where, {}
    options: dict[str, str] = {}
    for name, _, value in pairs:
        if name not in known:
            raise EdgeferError(f"{name!r} is no option here. Choose {', '.join(known)}.")
        if name in options:
            raise EdgeferError(f"{name} is given twice: leave one out.")
        options[name] = value
    return place, options


def parse_rotation(options: Mapping[str, str]) -> Rotation:
    """What ``max=10MB&keep=5`` ask for.

    Raises
    ------
    EdgeferError
        If it cannot be.
    """
    keep = options.get("keep", str(Rotation().keep))
    if not re.fullmatch(r"[1-9]\d{0,3}", keep):
        raise EdgeferError(f"keep={keep} must be a number of files from 1 to 9999.")
    if "max" not in options:
        if "keep" in options:
            raise EdgeferError(f"keep needs a size too. Type: PATH?max=10MB&keep={keep}.")
        return Rotation()
    return Rotation(parse_size("max", options["max"]), int(keep))


def parse_size(name: str, text: str) -> int:
    """Bytes of ``500kB``, ``10MB``, ``1.5GB`` or a number.

    Raises
    ------
    EdgeferError
        If it is none of these, or less than a kilobyte.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(|kB|MB|GB)", text.replace("KB", "kB"))
    size = int(float(found[1]) * UNITS[found[2]]) if found else 0
    if size < UNITS["kB"]:
        raise EdgeferError(f"{name}={text} must be a size from 1kB on, such as 500kB, 10MB or 1GB.")
    return size
