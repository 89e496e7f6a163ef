"""Read the files of a face set, and say what is wrong with them."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.errors import DataError, why
from edgefer.facewriter import COLUMNS, MARKER
from edgefer.labels import Labels
from edgefer.preprocess import PREPROCESS


def read_about(folder: Path) -> dict[str, Any]:
    """What ``faceset.json`` says; refused if it is of another format or preprocessing."""
    path = folder / MARKER
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{folder} is no face set: it holds no {MARKER}. Make one with edgefer data."
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read: {why(error)}. Import the face set again."
        ) from error
    if not isinstance(about, dict) or about.get("format") != 1:
        raise DataError(f"{path} is not of format 1, the only one this edgefer reads.")
    if about.get("preprocess") != PREPROCESS:
        raise DataError(
            f"{folder} was made with preprocessing {about.get('preprocess')!r}, this edgefer has "
            f"{PREPROCESS!r}. Import it again with this version."
        )
    return about


def read_labels(about: Mapping[str, Any]) -> Labels:
    """Labels that ``faceset.json`` names."""
    spoken = about["labels"]
    return Labels(spoken["name"], tuple(spoken["names"]), tuple(spoken["korean"]))


def open_patches(path: Path, size: int) -> np.ndarray:
    """Patches of a face set, uint8 (N, S, S), left on the disk."""
    try:
        store = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path} cannot be read: {why(error)}. Import the face set again."
        ) from error
    if store.ndim != 3 or store.shape[1:] != (size, size) or store.dtype != np.uint8:
        raise DataError(f"{path} holds {store.dtype} {store.shape}, not uint8 (N, {size}, {size}).")
    return store


def read_rows(path: Path, labels: Labels, count: int) -> dict[str, np.ndarray]:
    """Columns of ``faces.csv`` as arrays."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != COLUMNS:
                raise DataError(f"{path} must begin with the columns {','.join(COLUMNS)}.")
            table = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} cannot be read: {why(error)}. Import the face set again."
        ) from error
    if len(table) != count:
        raise DataError(f"{path} has {len(table)} faces, patches.npy has {count}. Import again.")
    targets, boxes = np.zeros(count, np.int64), np.zeros((count, 4), np.int64)
    votes = np.zeros((count, len(labels)), np.int64)
    classes = {emotion: i for i, emotion in enumerate(labels.names)}
    for i, row in enumerate(table):
        try:
            targets[i] = classes[row[1]]
            for place, numbers in ((5, boxes), (6, votes)):
                if row[place]:
                    numbers[i] = _numbers(row[place], numbers.shape[1])
        except (KeyError, IndexError, ValueError) as error:
            raise DataError(f"{path}, line {i + 2}: {error} does not fit the columns.") from error
    texts = {"ids": 0, "splits": 2, "persons": 3, "origins": 4}
    columns = {name: np.array([row[k] for row in table], object) for name, k in texts.items()}
    return {**columns, "targets": targets, "boxes": boxes, "votes": votes}


def _numbers(cell: str, count: int) -> list[int]:
    # NumPy would spread a single number over all places.
    found = [int(value) for value in cell.split()]
    if len(found) != count:
        raise ValueError(f"{cell!r} holds {len(found)} numbers, not {count}, and")
    return found


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read: {why(error)}. Import the face set again.")
