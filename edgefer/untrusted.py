"""Read what somebody may have sent: files, JSON, and text for a terminal."""

import errno
import json
import math
import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from edgefer.errors import BundleError, why
from edgefer.labels import Labels

MOST = 2**30  # bytes of a file: the largest network known here makes a tenth of it
MOST_JSON = 2 * 2**20  # bytes: 75 times the description of a bundle with five steps
MOST_LABELS = 1000
SIZES = range(4, 1025)  # sides of a patch, in pixels
_DEEP = 32  # a description is nested six deep
_PARTS = 100_000  # lists and objects: an empty one takes two bytes of a file and 72 of memory
_LONG = 255  # characters of a name

# Characters that steer a terminal or cannot be written to one: refused in names.
_STEERING = {"Cc", "Cs", "Zl", "Zp"}

# What is raised where values of JSON are not as expected.
_GARBLED = (AttributeError, KeyError, TypeError, ValueError, OverflowError)


@contextmanager
def understood(
    where: object, cure: str, garbled: tuple[type[Exception], ...] = _GARBLED
) -> Iterator[None]:
    """Name the file that is garbled, whatever its content raises while it is taken apart.

    Parameters
    ----------
    where : object
        What to call it.
    cure : str
        What to do about it.
    garbled : tuple of type
        The errors that its content may raise.

    Raises
    ------
    BundleError
        In place of one of them.
    """
    try:
        yield
    except garbled as error:
        raise BundleError(f"{where} lacks or garbles {shown(error)}. {cure}") from error


@contextmanager
def opened(path: Path, most: int = MOST) -> Iterator[BinaryIO]:
    """Open an ordinary file to read; nothing else that bears its name is waited for or followed.

    Raises
    ------
    BundleError
        If it is missing, a link, a pipe, a folder or a device, or larger than ``most`` bytes.
    """
    try:
        with open(path, "rb", opener=_no_link) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BundleError(f"{_named(path)} is no ordinary file.")
            if about.st_size > most:
                raise BundleError(
                    f"{_named(path)} has {about.st_size:,} bytes, expected at most {most:,}."
                )
            yield file
    except OSError as error:
        found = "it is a link" if error.errno == errno.ELOOP else why(error)
        raise BundleError(f"{_named(path)} cannot be read: {found}.") from error


def read_file(path: Path, most: int = MOST) -> bytes:
    """Bytes of an ordinary file; the errors are those of `opened`."""
    with opened(path, most) as file:
        # One more than it has: a file that grows is not waited for.
        return file.read(os.fstat(file.fileno()).st_size + 1)


def parse(where: object, data: bytes) -> dict[str, Any]:
    """The JSON object in some bytes; the errors are those of `parse_any`, and one for others."""
    about = parse_any(where, data)
    if not isinstance(about, dict):
        raise BundleError(f"{where} is not a JSON object.")
    return about


def parse_any(where: object, data: bytes) -> Any:
    """The JSON value in some bytes.

    Parameters
    ----------
    where : object
        What to call it in an error.
    data : bytes

    Raises
    ------
    BundleError
        If it is no JSON, larger than `MOST_JSON`, nested deeper than 32, or holds more than 100,000
        lists and objects, a whole number of more than 20 digits, NaN or infinity, or text that is
        no Unicode.
    """
    parts = data.count(b"[") + data.count(b"{")
    if parts > _PARTS:
        raise BundleError(f"{where} holds {parts:,} lists, expected at most {_PARTS:,}.")
    if len(data) > MOST_JSON:
        raise BundleError(f"{where} has {len(data):,} bytes, expected at most {MOST_JSON:,}.")
    try:
        about = json.loads(data, parse_int=_whole, parse_constant=_no_number)
        _look_through(about)
    except RecursionError as error:
        raise BundleError(f"{where} is nested too deep.") from error
    except ValueError as error:
        raise BundleError(f"{where} is no JSON: {shown(error)}.") from error
    return about


def to_labels(value: Any) -> Labels:
    """Labels from ``{"name": ..., "names": [...], "korean": [...]}``.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing, of another type, empty, twice there, or steers a terminal.
    """
    names, korean = ([check_name(name) for name in to_list(value[k])] for k in ("names", "korean"))
    if not 0 < len(names) <= MOST_LABELS:
        raise ValueError(f"{len(names)} labels, expected 1 to {MOST_LABELS}")
    if len(set(names)) != len(names):
        raise ValueError("labels that name an emotion twice")
    if len(korean) != len(names):
        raise ValueError(f"{len(names)} labels with {len(korean)} Korean names")
    return Labels(check_name(value["name"]), tuple(names), tuple(korean))


def to_size(value: Any) -> int:
    """Side of a patch.

    Raises
    ------
    ValueError
        If it is no whole number, or none that a patch can have.
    """
    # True is an int, and no size.
    if type(value) is not int or value not in SIZES:
        raise ValueError(f"size {shown(value)}, expected {SIZES[0]} to {SIZES[-1]}")
    return value


def to_list(value: Any) -> list[Any]:
    """A list; TypeError for anything else."""
    if not isinstance(value, list):
        raise TypeError(f"list {shown(value)}")
    return value


def check_name(value: Any) -> str:
    """A name that may stand on a terminal; TypeError or ValueError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"name {shown(value)}, expected text")
    if not value.strip() or len(value) > _LONG or any(map(_steers, value)):
        raise ValueError(f"name {shown(repr(value))}")
    return value


def shown(value: object, most: int = 100) -> str:
    """Text that does nothing to a terminal: what would steer it is spelled out, the end cut off."""
    text = str(value) if isinstance(value, (str, Exception)) else repr(value)
    cut = text if len(text) <= most else f"{text[: most - 3]}..."
    # Cf turns the direction of writing around, or takes no room at all.
    return "".join(
        char.encode("unicode_escape").decode()
        if _steers(char) or unicodedata.category(char) == "Cf"
        else char
        for char in cut
    )


def _named(path: Path) -> str:
    """A file whose name somebody else chose, in a folder that the user named."""
    return str(path.parent / shown(path.name))


def _no_link(path: str, flags: int) -> int:
    # Without O_NONBLOCK the opening of a pipe would wait for a writer.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _steers(char: str) -> bool:
    return unicodedata.category(char) in _STEERING


def _whole(digits: str) -> int:
    # Python before 3.10.7 takes minutes for a million digits.
    if len(digits) > 20:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def _look_through(about: Any) -> None:
    """Refuse what later work would stumble over: depth, infinity, and halves of characters."""
    level = [about]
    for _ in range(_DEEP):
        below: list[Any] = []
        for part in level:
            if isinstance(part, str):
                part.encode()
            elif isinstance(part, float) and math.isinf(part):  # such as 1e999
                _no_number(str(part))
            elif isinstance(part, dict):
                below += [*part, *part.values()]
            elif isinstance(part, list):
                below += part
        level = below
    if level:
        raise RecursionError
