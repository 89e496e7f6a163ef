"""Write a face set as pictures or as FER2013's CSV, for other programs and for people's hands."""

import csv
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.progress import track

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import csv_writer
from edgefer.folders import new_folder
from edgefer.labels import FER7
from edgefer.preprocess import PREPROCESS
from edgefer.progress import console

from .datasets.fer2013 import SIDE, SPLITS
from .datasets.manifest import ABOUT, COLUMNS, DROPPED, LIST

# Folder of a split; faces of any other split, or of none, lie in their emotion's folder alone.
HUFS_SPLITS = {"train": "train", "val": "validation", "test": "test"}
PLAIN_SPLITS = {"train": "train", "val": "val", "test": "test"}

# Any other emotion's folder is called after its class id: names are ASCII and safe everywhere.
SAFE = re.compile(r"(?!(merged|labels|dropped|con|aux|nul|prn)$)[a-z][a-z0-9_]{0,60}")

FERPLUS = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprise",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
}


def export_faces(faces: FaceSet, out: Path, layout: str, *, force: bool = False) -> None:
    """Write a face set in another form.

    Parameters
    ----------
    faces : FaceSet
        As `FaceSet.load` opened it, or a selection.
    out : Path
        The new folder.
    layout : str
        ``hufs`` (``dataset/train/angry/angry_000000.png`` and ``csvs/angry.csv``), ``folders``
        (``train/angry/angry_000000.png``), both with ``csvs/merged.csv``, by which
        `edgefer.train.datasets.folder` reads back the same face set; or ``csv``: FER2013's own
        form, with FERPlus's beside it where there are votes.
    force : bool
        Replace a folder of the same layout.

    Raises
    ------
    DataError
        If the face set has no place in that layout.
    """
    LAYOUTS[layout](faces, out, force)


def write_hufs(faces: FaceSet, out: Path, force: bool = False) -> None:
    """Write the tree of the HUFS work: PNG pictures, a CSV for each emotion and one for all."""
    with new_folder(out, LIST, force=force) as folder:
        files = _write_pictures(faces, folder, "dataset", HUFS_SPLITS)
        rows = list(_rows(faces, files))
        for i, emotion in enumerate(faces.labels.names):
            own = (rows[k] for k in np.flatnonzero(faces.targets == i))
            _write_csv(folder / "csvs" / f"{_folder(emotion, i)}.csv", COLUMNS, own)


def write_folders(faces: FaceSet, out: Path, force: bool = False) -> None:
    """Write PNG pictures in a folder for each split and emotion."""
    with new_folder(out, LIST, force=force) as folder:
        _write_pictures(faces, folder, "", PLAIN_SPLITS)


def write_csv(faces: FaceSet, out: Path, force: bool = False) -> None:
    """Write ``fer2013.csv``, and ``fer2013new.csv`` where there are votes."""
    usages = {split: usage for usage, split in SPLITS.items()}
    if faces.labels.names != FER7.names or faces.size != SIDE:
        raise DataError(
            f"{faces.folder} has labels {faces.labels.name} and patches of {faces.size} pixels; "
            f"FER2013's CSV knows {FER7.name} and {SIDE} only. Try --layout folders."
        )
    if unknown := set(faces.splits) - set(usages):
        raise DataError(
            f"{faces.folder} has faces of {min(unknown) or 'no split'!r}, FER2013's CSV knows "
            f"{', '.join(usages)}. Make them: edgefer data split {faces.folder} -o NEW."
        )
    with new_folder(out, "fer2013.csv", force=force) as folder:
        _write_csv(
            folder / "fer2013.csv",
            ("emotion", "pixels", "Usage"),
            (
                (target, " ".join(map(str, patch.ravel())), usages[split])
                for target, patch, split in zip(
                    faces.targets, _patches(faces), faces.splits, strict=True
                )
            ),
        )
        if faces.votes.any():
            places = [faces.labels.index(emotion) for emotion in FERPLUS.values()]
            _write_csv(
                folder / "fer2013new.csv",
                ("Usage", "Image name", *FERPLUS, "contempt", "unknown", "NF"),
                (
                    (usages[split], f"fer{i:07d}.png", *votes[places], 0, 0, 0)
                    for i, (split, votes) in enumerate(zip(faces.splits, faces.votes, strict=True))
                ),
            )


LAYOUTS: dict[str, Callable[[FaceSet, Path, bool], None]] = {
    "hufs": write_hufs,
    "folders": write_folders,
    "csv": write_csv,
}


def _write_pictures(faces: FaceSet, folder: Path, root: str, splits: dict[str, str]) -> list[str]:
    """Write each patch and the list of all; returns the file of each face, from the folder on."""
    numbers: Counter[int] = Counter()
    files = []
    for target, split, patch in zip(faces.targets, faces.splits, _patches(faces), strict=True):
        emotion = _folder(faces.labels.names[target], target)
        name = f"{emotion}_{numbers[target]:06d}.png"
        numbers[target] += 1
        path = Path(root, splits.get(split, ""), emotion, name)
        (folder / path.parent).mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(cv2.imencode(".png", patch)[1].tobytes())
        files.append(path.as_posix())
    (folder / LIST).parent.mkdir()
    _write_csv(folder / LIST, COLUMNS, _rows(faces, files))
    about = {
        "format": 1,
        "labels": asdict(faces.labels),
        "size": faces.size,
        "preprocess": PREPROCESS,
        "source": faces.source,
        "licence": faces.licence,
        "digest": faces.digest,
    }
    text = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
    (folder / ABOUT).write_text(text, encoding="utf-8")
    shutil.copyfile(faces.folder / "dropped.csv", folder / DROPPED)
    return files


def _rows(faces: FaceSet, files: list[str]) -> Iterator[tuple[str, ...]]:
    """The list's rows, in the order of the faces."""
    # As text: whether a box or votes of nothing but zeros were given shows nowhere else.
    with (faces.folder / "faces.csv").open(encoding="utf-8", newline="") as file:
        texts = [row[5:7] for row in csv.reader(file)][1:]
    for i, file_name in enumerate(files):
        name = faces.labels.names[faces.targets[i]]
        own = (faces.splits[i], faces.persons[i], faces.origins[i])
        yield (faces.ids[i], file_name, name, *own, *texts[faces.rows[i]])


def _patches(faces: FaceSet) -> Iterator[np.ndarray]:
    """Each patch in turn, with a bar."""
    steps = (faces.take(np.array([i]))[0] for i in range(len(faces)))
    return iter(track(steps, "writing faces", len(faces), console=console(), transient=True))


def _folder(emotion: str, target: int) -> str:
    return emotion if SAFE.fullmatch(emotion) else f"class-{target}"


def _write_csv(path: Path, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv_writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
