"""Data sets: one file each. An importer reads a source and hands its faces to a writer."""

from pathlib import Path
from typing import Any, Protocol

from edgefer.facewriter import FaceSetWriter


class Importer(Protocol):
    """Reads a data set as its publisher hands it out.

    It adds every face to the writer, or drops it with a reason; it raises `DataError` where the
    source as a whole is not what it should be. Options of its own are keyword-only.
    """

    def __call__(self, source: Path, out: FaceSetWriter, **options: Any) -> None:
        """Read ``source`` into ``out``."""
