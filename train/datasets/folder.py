"""Read cut-out faces from folders named after emotions."""

import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.progress import track

from edgefer.errors import DataError
from edgefer.facewriter import FaceSetWriter
from edgefer.labels import TABLE, Labels, canonical
from edgefer.preprocess import face_to_patch
from edgefer.progress import console

from .manifest import Picture, as_listed, read_dropped
from .photographs import Photograph

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "publictest": "val",
    "test": "test",
    "testing": "test",
    "privatetest": "test",
}


def find_pictures(source: Path) -> list[Picture]:
    """Every picture below a folder, in the order of their names.

    ``train/<emotion>``, ``test/<emotion>``, the nested ``train/train/<emotion>``, ``<emotion>``
    alone and the HUFS tree (its ``csvs`` hold no pictures) all read alike: a picture's own folder
    names its emotion, a folder above may name its split. In a tree that ``edgefer data export``
    wrote, its list knows more: see `as_listed`.

    Raises
    ------
    DataError
        If there is no folder, or no picture in it.
    """
    if not source.is_dir():
        raise DataError(f"{source} is no folder. Name the one that holds the emotions' folders.")
    found = []
    for folder, below, names in os.walk(source):
        below.sort()
        parts = [canonical(part) for part in Path(folder).relative_to(source).parts]
        split = next((SPLITS[part] for part in reversed(parts) if part in SPLITS), "")
        pictures = sorted(name for name in names if name.lower().endswith(ENDINGS))
        emotion = parts[-1] if parts else ""
        found += [Picture(Path(folder, name), emotion, split) for name in pictures]
    if not found:
        raise DataError(
            f"{source} holds no picture ({', '.join(ENDINGS)}). Expected SOURCE/happy/1.png or "
            "SOURCE/train/happy/1.png."
        )
    return as_listed(source, found)


def guess_labels(pictures: Sequence[Picture], renames: Mapping[str, str]) -> Labels:
    """Smallest known label set that holds every folder's emotion.

    Raises
    ------
    DataError
        If none does.
    """
    found = {renames.get(picture.emotion, picture.emotion) for picture in pictures} - {""}
    fitting = [labels for labels in TABLE.values() if found <= set(labels.names)]
    if not fitting:
        raise DataError(
            f"no known label set holds the folders' names: {', '.join(sorted(found))[:300]}. Name "
            f"the emotions with --labels (one of {', '.join(TABLE)}; or a list: happy,sad), or "
            "rename folders with --map."
        )
    return min(fitting, key=len)


def import_folder(
    source: Path,
    out: FaceSetWriter,
    *,
    pictures: Sequence[Picture] | None = None,
    renames: Mapping[str, str] | None = None,
) -> None:
    """Read pictures of faces, of any size, grey or in color.

    Parameters
    ----------
    source : Path
        The folder.
    out : FaceSetWriter
        Where the faces go; a picture that cannot be read, or whose folder is none of the labels,
        goes to ``dropped.csv`` with the reason.
    pictures : sequence of Picture, optional
        What `find_pictures` found, if it was asked before.
    renames : mapping of str to str, optional
        Folder's emotion to label; an empty label leaves the folder out.
    """
    renames = renames or {}
    pictures = find_pictures(source) if pictures is None else pictures
    found = {picture.emotion for picture in pictures}
    if unknown := [emotion for emotion in renames if emotion not in found]:
        raise DataError(
            f"--map renames {unknown[0]!r}, which no folder is called. The folders are: "
            f"{', '.join(sorted(found))[:300]}."
        )
    for picture in track(pictures, "reading pictures", console=console(), transient=True):
        path = _printable(picture.path.relative_to(source))
        origin = path if picture.origin is None else picture.origin
        emotion = renames.get(picture.emotion, picture.emotion)
        if emotion not in out.labels:
            reason = f"{emotion!r} is not one of the labels" if emotion else "left out by --map"
            out.drop(origin or path, reason if picture.emotion else "lies in no emotion's folder")
            continue
        try:
            face = _read(picture.path)
        except DataError as error:
            out.drop(origin or path, str(error))
            continue
        out.add(
            face_to_patch(face, out.size),
            emotion,
            split=picture.split,
            person=picture.person,
            origin=origin,
            box=picture.box,
            votes=_votes(picture.votes, out.labels, renames),
        )
    for origin, reason in read_dropped(source):
        out.drop(origin, reason)


def _read(path: Path) -> np.ndarray:
    try:
        return Photograph.of(path.read_bytes()).pixels()
    except FileNotFoundError as error:
        raise DataError("is on the list, but no longer in its folder") from error
    except OSError as error:
        raise DataError("cannot be read from the disk") from error


def _votes(
    votes: Mapping[str, int] | None, labels: Labels, renames: Mapping[str, str]
) -> list[int] | None:
    """Votes in the order of these labels."""
    if votes is None:
        return None
    counts = [0] * len(labels)
    for emotion, count in votes.items():
        if renames.get(emotion, emotion) in labels:
            counts[labels.index(renames.get(emotion, emotion))] += count
    return counts


def _printable(path: Path) -> str:
    """A path as composed Unicode; bytes that are no UTF-8 show as a question mark."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return unicodedata.normalize("NFC", text)
