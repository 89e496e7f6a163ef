"""Read action units as OpenFace wrote them, and join them to a face set."""

import csv
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from edgefer.errors import DataError, why
from edgefer.faceset import FaceSet

from .units import NAMES, Units, most_certain

KEYS = ("id", "origin", "filename", "file")  # columns that may name the face
SURE = 0.5  # confidence below which OpenFace has lost the face
LARGEST = 2**30  # bytes of a table; half a million faces have about 200 MB


def read_openface(path: Path, faces: FaceSet) -> Units:
    """Join OpenFace's tables to a face set.

    T. Baltrusaitis et al., "OpenFace 2.0: Facial Behavior Analysis Toolkit", 2018.

    Parameters
    ----------
    path : Path
        A CSV whose column ``id``, ``origin``, ``filename`` or ``file`` names the face; or a folder
        of CSVs, as ``FaceLandmarkImg -fdir`` writes them, each named as its picture.
    faces : FaceSet
        A name is looked for among its ids, then among its origins, with or without their folders
        and endings.

    Returns
    -------
    Units
        One row a face: where a picture has several, that of the highest confidence.

    Raises
    ------
    DataError
        If nothing there is OpenFace's, or no row belongs to a face.
    """
    left: Counter[str] = Counter()
    return most_certain(_found(path, faces, left), tuple(NAMES), faces, "OpenFace", left, path)


def _found(
    path: Path, faces: FaceSet, left: Counter[str]
) -> Iterator[tuple[int, float, list[float]]]:
    places = _places(faces)
    for key, row in _rows(path):
        place = places.get(_plain(key), places.get(_stem(key)))
        if place is None:
            left["rows of no face that was judged"] += 1
        elif place < 0:
            left["rows of a name that several faces have"] += 1
        else:
            try:
                sure, values = _parse(row)
            except ValueError:
                left["rows with an intensity that is no number from 0 to 5"] += 1
                continue
            if sure < SURE:
                left[f"rows of which OpenFace is not sure (confidence below {SURE})"] += 1
                continue
            yield place, sure, values


def _places(faces: FaceSet) -> dict[str, int]:
    """Position of each name; -1 where several faces have it."""
    places: dict[str, int] = {}
    for place, origin in enumerate(faces.origins):
        for name in {_plain(origin), _stem(origin)} - {""}:
            places[name] = -1 if name in places else place
    return places | {_plain(name): place for place, name in enumerate(faces.ids)}


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).replace("\\", "/")


def _stem(name: str) -> str:
    return PurePosixPath(_plain(name)).stem


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Name of the face and row, of every table."""
    if path.is_dir():
        tables = sorted(path.rglob("*.csv"))
        if not tables:
            raise DataError(f"{path} holds no .csv. Name what OpenFace wrote.")
        for table in tables:
            for row in _table(table):
                yield table.stem, row
        return
    for row in _table(path):
        key = next((name for name in KEYS if name in row), None)
        if key is None:
            raise DataError(
                f"{path} has no column that names the face: {', '.join(KEYS)}. Add one, or name "
                "the folder of OpenFace's files, one a picture."
            )
        yield row[key], row


def _table(path: Path) -> Iterator[dict[str, str]]:
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
            for row in reader:
                if any(row):
                    yield dict(zip(header, row, strict=False))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {why(error)}.") from error


def _parse(row: Mapping[str, str]) -> tuple[float, list[float]]:
    """Confidence and intensities of a row."""
    sure = float(row.get("confidence", "1"))
    if row.get("success", "1").strip() in ("0", "0.0"):
        sure = 0.0
    values = [float(row.get(f"{unit}_r", "")) for unit in NAMES]
    if not all(0 <= value <= 5 for value in (*values, 5 * sure)):
        raise ValueError
    return sure, values
