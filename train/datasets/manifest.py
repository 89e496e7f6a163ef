"""What ``edgefer data export`` writes beside pictures, so that they are read back as they were."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from edgefer.errors import DataError, why
from edgefer.labels import Labels
from edgefer.preprocess import PREPROCESS, Box

LIST, ABOUT, DROPPED = "csvs/merged.csv", "csvs/labels.json", "csvs/dropped.csv"
COLUMNS = ("id", "file", "label", "split", "person", "origin", "box", "votes")


@dataclass(frozen=True)
class About:
    """The face set that a tree of pictures was exported from.

    Attributes
    ----------
    labels : Labels
        What the list's labels and votes count in.
    size : int
        Side of a patch, in pixels.
    source, licence : str
        Where the faces come from, and under which terms.
    """

    labels: Labels
    size: int
    source: str
    licence: str


@dataclass(frozen=True)
class Picture:
    """A picture file, and what the folders above it say.

    Attributes
    ----------
    path : Path
        Where it lies.
    emotion : str
        Name of its folder, as edgefer spells it.
    split : str
        The split that a folder above is named after, or empty.
    person : str
        Who it is; empty where unknown.
    origin : str, optional
        Where it first came from; else its own path is noted.
    box : Box, optional
        Where the face was there.
    votes : mapping of str to int, optional
        How many people chose each emotion.
    """

    path: Path
    emotion: str
    split: str
    person: str = ""
    origin: str | None = None
    box: Box | None = None
    votes: Mapping[str, int] | None = None


def read_about(source: Path) -> About | None:
    """What an exported tree says of itself; nothing where the pictures are somebody else's.

    Raises
    ------
    DataError
        If it is garbled, or was made with another preprocessing.
    """
    path = source / ABOUT
    if not path.is_file() or not (source / LIST).is_file():
        return None
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        names = about["labels"]
        labels = Labels(names["name"], tuple(names["names"]), tuple(names["korean"]))
        found = About(labels, int(about["size"]), str(about["source"]), str(about["licence"]))
        made = about["preprocess"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read: {error!r}. {_without(source)}") from error
    if made != PREPROCESS:
        raise DataError(
            f"{source} was made with preprocessing {made!r}, this edgefer has {PREPROCESS!r}. "
            "Export it again with this version."
        )
    return found


def as_listed(source: Path, pictures: Sequence[Picture]) -> list[Picture]:
    """Pictures of an exported tree in the order of its list, with what the list knows of them.

    A picture that lies in another folder than the list says was moved by hand: emotion and split
    are the new folder's. What is on the list and gone keeps its place, so that reading it fails
    and is written down. What is not on the list comes last, as it is.

    Parameters
    ----------
    source : Path
        The tree.
    pictures : sequence of Picture
        Those found in it; without a list they are given back as they are.

    Raises
    ------
    DataError
        If the list is garbled.
    """
    about = read_about(source)
    if about is None:
        return list(pictures)
    rows = _rows(source / LIST, about.labels)
    labels_of = {PurePosixPath(file).parent.name: fields["emotion"] for file, fields in rows}
    found = {picture.path.relative_to(source).as_posix(): picture for picture in pictures}
    strays = {name: found[name] for name in found.keys() - {file for file, _ in rows}}
    by_name: dict[str, list[str]] = {}
    for name in strays:
        by_name.setdefault(PurePosixPath(name).name, []).append(name)
    listed = []
    for file, fields in rows:
        moved = by_name.get(PurePosixPath(file).name, [])
        if file not in found and len(moved) == 1:
            stray = strays.pop(moved.pop())
            emotion = labels_of.get(stray.path.parent.name, stray.emotion)
            listed.append(replace(stray, **fields | {"emotion": emotion, "split": stray.split}))
        else:
            listed.append(replace(pictures[0], path=source / file, **fields))
    return listed + [picture for name, picture in found.items() if name in strays]


def read_dropped(source: Path) -> list[tuple[str, str]]:
    """Origin and reason of what was left out before the export."""
    if read_about(source) is None or not (source / DROPPED).is_file():
        return []
    return [(row[0], row[1]) for row in _table(source / DROPPED, ("origin", "reason"))]


def _rows(path: Path, labels: Labels) -> list[tuple[str, dict[str, Any]]]:
    """File and the fields of a `Picture` for each row of the list."""
    rows: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(_table(path, COLUMNS), 2):
        _, file, emotion, split, person, origin, box, votes = row
        try:
            numbers = [int(count) for count in votes.split()]
            fields: dict[str, Any] = {
                "emotion": emotion,
                "split": split,
                "person": person,
                "origin": origin,
                "box": Box(*map(int, box.split())) if box else None,
                "votes": dict(zip(labels.names, numbers, strict=True)) if votes else None,
            }
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{path}, line {number}: {error}. {_without(path.parents[1])}"
            ) from error
        # A list may come from anybody: it never leads out of the tree, and names no picture twice.
        if file in rows or PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
            raise DataError(f"{path}, line {number}: {file!r} is no picture of this tree.")
        rows[file] = fields
    return list(rows.items())


def _table(path: Path, columns: Sequence[str]) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            table = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} cannot be read: {why(error)}. {_without(path.parents[1])}"
        ) from error
    if header != list(columns) or any(len(row) != len(columns) for row in table):
        raise DataError(
            f"{path} must have the columns {','.join(columns)}. {_without(path.parents[1])}"
        )
    return table


def _without(source: Path) -> str:
    return f"Delete {source / 'csvs'} to read the folders' names alone."
