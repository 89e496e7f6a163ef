"""Read action units as OpenFace wrote them, and join them to a face set."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from edgefer.errors import DataError, why
from edgefer.faceset import FaceSet

from .units import NAMES, Units, units_of

KEYS = ("id", "origin", "filename", "file")  # columns that may name the face
PICTURE = "picture"  # column of the tables that edgefer draws: BLAKE2b-128 of the patch
SURE = 0.5  # confidence below which OpenFace has lost the face
LARGEST = 2**30  # bytes of a table; half a million faces have about 200 MB

Parts = tuple[str, ...]
Row = tuple[str, str, dict[str, str]]  # column that names the face, the name, all columns


def read_openface(path: Path, faces: FaceSet) -> Units:
    """Join OpenFace's tables to a whole face set.

    T. Baltrusaitis et al., "OpenFace 2.0: Facial Behavior Analysis Toolkit", 2018.

    Parameters
    ----------
    path : Path
        A CSV whose column ``id``, ``origin``, ``filename`` or ``file`` names the face; or a folder
        of CSVs, as ``FaceLandmarkImg -fdir`` writes them, each named as its picture.
    faces : FaceSet
        All of it: a name that two of its faces might have joins neither. File names are compared
        with ids and origins from their end on, without endings, as far as both have folders.

    Returns
    -------
    Units
        Of every face that was found: where a picture has several rows, that of the highest
        confidence, the first among equals.

    Raises
    ------
    DataError
        If nothing there is OpenFace's.
    """
    left: Counter[str] = Counter()
    rows = _rows(path, left)
    first = list(islice(rows, 1))
    drawn = bool(first) and PICTURE in first[0][2]
    source = "data synth: drawn, not measured" if drawn else "OpenFace"
    return units_of(_found(chain(first, rows), faces, left), tuple(NAMES), source, left)


class _Names:
    """Finds faces by their names."""

    def __init__(self, faces: FaceSet) -> None:
        self._columns = {
            "id": _places(map(_plain, faces.ids)),
            "origin": _places(map(_plain, faces.origins)),
        }
        self._files: dict[str, list[tuple[Parts, int]]] = {}
        for i, (name, origin) in enumerate(zip(faces.ids, faces.origins, strict=True)):
            for parts in {_parts(name), _parts(origin)} - {()}:
                self._files.setdefault(parts[-1], []).append((parts, i))

    def find(self, column: str, name: str) -> set[int]:
        """Positions of all faces that a column's value may mean."""
        if column in self._columns:
            return self._columns[column].get(_plain(name), set())
        parts = _parts(name)
        return {
            i for known, i in self._files.get(parts[-1] if parts else "", []) if _end(known, parts)
        }


def _places(names: Iterable[str]) -> dict[str, set[int]]:
    places: dict[str, set[int]] = {}
    for i, name in enumerate(names):
        places.setdefault(name, set()).add(i)
    return places


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).replace("\\", "/")


def _parts(name: str) -> Parts:
    """Folders and name of a file, without its ending."""
    path = PurePosixPath(_plain(name))
    return (*path.parent.parts, path.stem) if path.stem else ()


def _end(one: Parts, other: Parts) -> bool:
    """Whether the shorter one is the end of the longer one."""
    length = min(len(one), len(other))
    return one[-length:] == other[-length:]


def _found(
    rows: Iterable[Row], faces: FaceSet, left: Counter[str]
) -> Iterator[tuple[int, float, list[float]]]:
    names = _Names(faces)
    for column, name, row in rows:
        places = names.find(column, name)
        if not places:
            left["rows of no face in the set"] += 1
        elif len(places) > 1:
            left["rows of a name that several faces might have"] += 1
        elif PICTURE in row and row[PICTURE] != faces.hashes[min(places)].hex():
            left["rows of another picture of the same name: another face set's table?"] += 1
        else:
            try:
                sure, values = _parse(row)
            except ValueError:
                left["rows with an intensity that is no number from 0 to 5"] += 1
                continue
            if sure < SURE:
                left[f"rows of which OpenFace is not sure (confidence below {SURE})"] += 1
                continue
            yield next(iter(places)), sure, values


def _rows(path: Path, left: Counter[str]) -> Iterator[Row]:
    """Column that names the face, the name, and the row, of every table."""
    tables = sorted(path.rglob("*.csv")) if path.is_dir() else [path]
    if not tables:
        raise DataError(f"{path} holds no .csv. Name what OpenFace wrote.")
    for table in tables:
        for row in _table(table, left):
            key = next((name for name in KEYS if name in row), None)
            if key:
                yield key, row[key], row
            elif path.is_dir():
                yield "file", str(table.relative_to(path)), row
            else:
                raise DataError(
                    f"{path} has no column that names the face: {', '.join(KEYS)}. Add one, or "
                    "name the folder of OpenFace's files, one a picture."
                )


def _table(path: Path, left: Counter[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV, names without the spaces that OpenFace puts before them."""
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path} is larger than {LARGEST // 2**20} MB. Name a folder of parts.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            lacking = [f"{name}_r" for name in NAMES if f"{name}_r" not in header]
            if lacking:
                more = " and others" if len(lacking) > 4 else ""
                raise DataError(
                    f"{path} is not OpenFace's: it lacks {', '.join(lacking[:4])}{more}."
                )
            for row in filter(any, reader):
                if len(row) < len(header):
                    left["rows that are cut off"] += 1
                else:
                    yield dict(zip(header, row, strict=False))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {why(error)}.") from error


def _parse(row: Mapping[str, str]) -> tuple[float, list[float]]:
    """Confidence and intensities of a row."""
    sure = float(row.get("confidence") or 1)
    if row.get("success", "1").strip() in ("0", "0.0"):
        sure = 0.0
    values = [float(row.get(f"{unit}_r", "")) for unit in NAMES]
    if not all(0 <= value <= 5 for value in (*values, 5 * sure)):
        raise ValueError
    return sure, values
