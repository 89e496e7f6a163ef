"""The errors that edgefer names; the command line prints them as one line and exits with 1.

EdgeferError
├── DataError       a face set, a data set or a picture is not what it should be
├── BundleError     a bundle is incomplete, changed, or made for something else
├── CameraError     a camera or a stream gives no frames
├── BackendError    a model cannot be run on this machine
└── GateError       a measured limit was passed (exit status 3)
"""

from collections.abc import Iterable
from difflib import get_close_matches


class EdgeferError(Exception):
    """Says what was found, what was expected, and what to type."""


class DataError(EdgeferError):
    """A face set, a data set or a picture is not what it should be."""


class BundleError(EdgeferError):
    """A bundle is incomplete, changed, or made for something else."""


class CameraError(EdgeferError):
    """A camera or a stream gives no frames."""


class BackendError(EdgeferError):
    """A model cannot be run on this machine."""


class GateError(EdgeferError):
    """A measured limit was passed."""


def install(extra: str) -> str:
    """What to type for packages that are missing."""
    return f"pip install '.[{extra}]' in edgefer's checkout"


def why(error: Exception) -> str:
    """What went wrong, where the file's name is said already."""
    return getattr(error, "strerror", None) or str(error)


def meant(name: str, known: Iterable[str], least: float = 0.6) -> str:
    """The question whether a name that is nearly a known one was to be that; empty if it is not."""
    near = get_close_matches(name, list(known), 1, least)
    return f"Did you mean {near[0]}?" if near else ""
