"""Look at a face set: what it holds, and what may be wrong with it."""

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgefer.faceset import FaceSet
from edgefer.folders import write_file

_REASONS = 12  # shown; the others are counted


@dataclass(frozen=True)
class Summary:
    """What a face set holds.

    Attributes
    ----------
    counts : mapping of str to mapping of str to int
        Faces per split and emotion.
    people : mapping of str to int
        People per split; 0 where they are not known.
    people_across : int
        People who stand in more than one split.
    voted : int
        Faces that annotators voted on.
    agreement : float
        Share of those whose most frequent vote is their label; 0 without votes.
    duplicates : int
        Groups of pictures that are the same, pixel by pixel.
    conflicting : int
        Groups of them under more than one label.
    leaked : mapping of str to int
        Faces per split, other than ``train``, whose picture also stands in ``train``.
    dropped : mapping of str to int
        Faces that the import left out, by reason.
    """

    counts: Mapping[str, Mapping[str, int]]
    people: Mapping[str, int]
    people_across: int
    voted: int
    agreement: float
    duplicates: int
    conflicting: int
    leaked: Mapping[str, int]
    dropped: Mapping[str, int]


def summarize(faces: FaceSet) -> Summary:
    """Count faces, people, votes and duplicates."""
    targets_of: dict[bytes, list[int]] = {}
    for digest, target in zip(faces.hashes, faces.targets.tolist(), strict=True):
        targets_of.setdefault(digest, []).append(target)
    groups = [targets for targets in targets_of.values() if len(targets) > 1]
    voted = faces.votes.any(axis=1)
    agreed = faces.votes.argmax(axis=1)[voted] == faces.targets[voted]
    people = {name: _people(faces, name) for name in faces.split_names}
    return Summary(
        counts=faces.counts,
        people={name: len(own) for name, own in people.items()},
        people_across=people_across(faces),
        voted=int(voted.sum()),
        agreement=float(agreed.mean()) if voted.any() else 0.0,
        duplicates=len(groups),
        conflicting=sum(len(set(targets)) > 1 for targets in groups),
        leaked=_leaked(faces),
        dropped=left_out(faces.folder),
    )


def to_text(faces: FaceSet, summary: Summary) -> str:
    """The summary for people to read."""
    names = [name or "(none)" for name in summary.counts]
    rows = [["", "", *names, "all"]]
    for emotion, korean in zip(faces.labels.names, faces.labels.korean, strict=True):
        each = [counts[emotion] for counts in summary.counts.values()]
        rows.append([emotion, korean, *map(str, (*each, sum(each)))])
    each = [sum(counts.values()) for counts in summary.counts.values()]
    rows.append(["all", "", *map(str, (*each, sum(each)))])
    lines = [
        f"{faces.folder}: {len(faces)} faces of {faces.size}x{faces.size}, "
        f"labels {faces.labels.name}",
        f"from {faces.source}; licence: {faces.licence}",
        "",
        *(
            "  ".join([f"{a:12}{_wide(b, 6)}", *(f"{cell:>8}" for cell in cells)])
            for a, b, *cells in rows
        ),
        "",
    ]
    known = {name: count for name, count in summary.people.items() if count}
    people = ", ".join(f"{count} in {name or 'no split'}" for name, count in known.items())
    lines.append(f"people       {people or 'not known'}")
    if known:
        lines.append(f"             {summary.people_across} in more than one split")
    votes = f"{summary.voted} faces; the most frequent vote is the label on {summary.agreement:.1%}"
    lines.append(f"votes        {votes if summary.voted else 'none'}")
    lines.append(
        f"duplicates   {summary.duplicates} groups of equal pictures, "
        f"{summary.conflicting} of them under several labels"
    )
    for name, count in summary.leaked.items():
        lines.append(f"             {count} faces of {name or 'no split'} also stand in train")
    reasons = sorted(summary.dropped.items(), key=lambda item: -item[1])
    lines += [f"left out     {count} ({reason})" for reason, count in reasons[:8]]
    if len(reasons) > 8:
        lines.append(f"             and {len(reasons) - 8} more reasons in dropped.csv")
    lines.append(f"digest       {faces.digest}")
    return "\n".join(lines)


def to_json(faces: FaceSet, summary: Summary) -> dict[str, Any]:
    """The summary for machines to read."""
    about = {"faces": len(faces), "size": faces.size, "labels": list(faces.labels.names)}
    origin = {"source": faces.source, "licence": faces.licence, "digest": faces.digest}
    return {**about, **origin, **vars(summary)}


def draw_sheet(
    faces: FaceSet, path: Path, *, columns: int = 16, seed: int = 0, force: bool = False
) -> None:
    """Write a contact sheet: a row of random faces for each emotion, its name beside them."""
    rng = np.random.default_rng(seed)
    side, margin = max(faces.size, 64), 130
    shape = (len(faces.labels) * (side + 4), margin + columns * (side + 4), 1)
    sheet = np.full(shape, 255, np.uint8)
    for row, emotion in enumerate(faces.labels.names):
        own = np.flatnonzero(faces.targets == row)
        y = row * (side + 4)
        at = (8, y + side // 2 + 5)
        cv2.putText(sheet, emotion, at, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0,), 1, cv2.LINE_AA)
        chosen = np.sort(rng.permutation(own)[:columns])
        for column, patch in enumerate(faces.take(chosen)):
            x = margin + column * (side + 4)
            larger = cv2.resize(patch, (side, side), interpolation=cv2.INTER_CUBIC)
            sheet[y : y + side, x : x + side, 0] = larger
    write_file(path, cv2.imencode(".png", sheet)[1].tobytes(), force=force)


def written(folder: Path) -> str:
    """What a command wrote, in a few lines: counts, emotions without a face, what was left out."""
    faces = FaceSet.load(folder)
    each = ", ".join(
        f"{sum(counts.values())} {name or 'without a split'}"
        for name, counts in faces.counts.items()
    )
    lines = [f"{folder}: {len(faces)} faces ({each}), labels {faces.labels.name}"]
    shown = set(faces.targets.tolist())
    absent = [emotion for i, emotion in enumerate(faces.labels.names) if i not in shown]
    if absent:
        lines.append(f"no face shows {', '.join(absent)}")
    reasons = sorted(left_out(folder).items(), key=lambda item: -item[1])
    if reasons:
        total = sum(count for _, count in reasons)
        lines.append(f"{total} left out, listed in {folder / 'dropped.csv'}:")
        lines += [f"{count:>8} {reason}" for reason, count in reasons[:_REASONS]]
    if len(reasons) > _REASONS:
        rest = reasons[_REASONS:]
        lines.append(f"{sum(count for _, count in rest):>8} for {len(rest)} more reasons")
    return "\n".join(lines)


def left_out(folder: Path) -> dict[str, int]:
    """What ``dropped.csv`` lists: how many faces for which reason."""
    return dict(Counter(reason for _, reason in read_dropped(folder)))


def read_dropped(folder: Path) -> list[tuple[str, str]]:
    """Origin and reason of each face that ``dropped.csv`` lists."""
    with (folder / "dropped.csv").open(encoding="utf-8", newline="") as file:
        return [(row["origin"], row["reason"]) for row in csv.DictReader(file)]


def people_across(faces: FaceSet) -> int:
    """How many people stand in more than one split."""
    people = chain(*(_people(faces, name) for name in faces.split_names))
    return sum(count > 1 for count in Counter(people).values())


def _people(faces: FaceSet, split: str) -> set[str]:
    return set(faces.persons[faces.splits == split]) - {""}


def _leaked(faces: FaceSet) -> dict[str, int]:
    training = set(faces.hashes[faces.splits == "train"])
    return {
        name: sum(digest in training for digest in faces.hashes[faces.splits == name])
        for name in faces.split_names
        if name != "train" and training
    }


def _wide(text: str, width: int) -> str:
    """Pad by cells of a terminal: a Korean letter takes two."""
    return text + " " * max(width - sum(1 + (ord(letter) > 0x10FF) for letter in text), 0)
