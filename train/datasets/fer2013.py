"""Read FER2013 as it is published: one CSV, its pixels as text; FERPlus votes beside it."""

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

import numpy as np

from edgefer.errors import DataError, why
from edgefer.facewriter import FaceSetWriter
from edgefer.labels import FER7, canonical
from edgefer.preprocess import face_to_patch

SPLITS = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
EMOTIONS = [str(number) for number in range(len(FER7))]
SIDE = 48
LICENCE = "FER2013 (ICML 2013 challenge): research use, do not republish"


def import_fer2013(source: Path, out: FaceSetWriter, *, ferplus: Path | None = None) -> None:
    """Read ``fer2013.csv`` or ``icml_face_data.csv``, plain, gzipped or alone in a zip.

    Parameters
    ----------
    source : Path
        The file; its columns are ``emotion``, ``pixels`` and ``Usage``, in any order.
    out : FaceSetWriter
        Where the faces go. Training becomes ``train``, PublicTest ``val``, PrivateTest ``test``.
    ferplus : Path, optional
        ``fer2013new.csv`` of FERPlus, whose row i belongs to row i of the source. Its votes for
        contempt, unknown and "no face" have no counterpart in FER2013's labels and are not kept.

    Raises
    ------
    DataError
        If a file cannot be read as what it is said to be, or the two do not belong together.
    """
    with _open(source) as file:
        rows = _rows(file, source, ("emotion", "pixels", "Usage"))
        if ferplus is None:
            for number, row in rows:
                _add(out, f"{source.name}:{number}", row, None)
            return
        with _open(ferplus) as votes_file:
            columns = ("Usage", *_ferplus_columns(), "NF")
            votes = _rows(votes_file, ferplus, columns)
            for one, other in zip_longest(rows, votes):
                if one is None or other is None or one[1][2] != other[1][0]:
                    line = (one or other)[0]
                    raise DataError(
                        f"{ferplus} does not belong to {source}: they differ at line {line}. Row i "
                        "of one must be row i of the other."
                    )
                _add(out, f"{source.name}:{one[0]}", one[1], other[1])


def _ferplus_columns() -> tuple[str, ...]:
    """FERPlus's names of FER2013's emotions, in FER2013's order."""
    names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    return tuple(sorted(names, key=lambda name: FER7.index(canonical(name))))


def _add(out: FaceSetWriter, origin: str, row: list[str], votes: list[str] | None) -> None:
    """Write one row, or say why it is left out."""
    emotion, pixels, usage = row
    if usage not in SPLITS:
        out.drop(origin, f"usage {usage[:20]!r} is not one of {', '.join(SPLITS)}")
        return
    if emotion not in EMOTIONS:
        out.drop(origin, f"emotion {emotion[:20]!r} is not 0 to {len(FER7) - 1}")
        return
    try:
        values = _integers(pixels)
        counts = [int(vote) for vote in votes[1:-1]] if votes else None
    except ValueError:
        out.drop(origin, "pixels or votes are not whole numbers from 0 on")
        return
    if values.size != SIDE * SIDE or values.max() > 255:
        out.drop(origin, f"not {SIDE * SIDE} pixels of 0 to 255")
        return
    face = values.astype(np.uint8).reshape(SIDE, SIDE)
    patch = face_to_patch(face, out.size)
    out.add(patch, FER7.names[int(emotion)], split=SPLITS[usage], origin=origin, votes=counts)


def _integers(text: str) -> np.ndarray:
    """Those of a text with blanks between them, in a quarter of the time that `int` would take."""
    if text.encode().translate(None, b"0123456789 \t\r\n"):
        raise ValueError("not integers")  # where NumPy before 2.3 only warns, and reads no further
    return np.fromstring(text, np.int64, sep=" ")


def _rows(file: TextIO, source: Path, wanted: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Line number and the wanted columns of each row."""
    try:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in wanted if name not in header]
        if missing:
            raise DataError(f"{source} lacks the columns {', '.join(missing)}: is it another CSV?")
        places = [header.index(name) for name in wanted]
        for row in reader:
            yield reader.line_num, [row[k].strip() if k < len(row) else "" for k in places]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise DataError(f"{source} is damaged: {error}. Download it again.") from error


@contextmanager
def _open(source: Path) -> Iterator[TextIO]:
    """Text of a CSV that may be gzipped or alone in a zip."""
    try:
        if source.suffix == ".zip":
            with zipfile.ZipFile(source) as archive:
                names = [name for name in archive.namelist() if name.endswith(".csv")]
                if len(names) != 1:
                    raise DataError(f"{source} holds {len(names)} CSV files, expected one.")
                with archive.open(names[0]) as raw:
                    yield io.TextIOWrapper(raw, "utf-8-sig", newline="")
        elif source.suffix == ".gz":
            with gzip.open(source, "rt", encoding="utf-8-sig", newline="") as text:
                yield text
        else:
            with source.open(encoding="utf-8-sig", newline="") as text:
                yield text
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{source} cannot be read: {why(error)}.") from error
