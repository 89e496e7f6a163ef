"""Trees as AI Hub 82 hands them out, with drawn people: nobody here may hold the real ones.

What is faithful: folder, zip, file and field names, their encodings, the proportions of EXIF
orientations, annotators who mostly agree, boxes in the upright frame, and everything that is wrong
in the real set. What is not: the faces.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from aihub_packing import pack
from aihub_photos import annotated, draw_photo, number_of
from joblib import Parallel, delayed

from edgefer.labels import KOREAN7
from edgefer.preprocess import Box

# How often an annotator repeats the uploader's label.
AGREEMENT = {"happy": 0.97, "neutral": 0.95, "embarrassed": 0.8, "anxious": 0.5}
BACKGROUNDS = ("자연환경", "도심 환경", "상업시설&점포&시장", "숙박 및 거주공간", "오락&공공시설")
UNKNOWN = "알수없음"


@dataclass(frozen=True)
class Truth:
    """One photo and what is true about it.

    Attributes
    ----------
    name : str
        As its record has it.
    emotion, split, person : str
    box : Box or None
        Where the face is, in the upright photo.
    trouble : str
        What was made wrong with it: a key of `TROUBLES`, or empty.
    """

    name: str
    emotion: str
    split: str
    person: str
    box: Box | None
    trouble: str


# What is wrong with some photos, and the reason that an import should give; "" where it copes.
TROUBLES = {
    "cut": "is damaged or cut off",
    "text": "is no picture that can be read",
    "missing": "the photo is missing",
    "no box": "",
    "one box": "",
    "unknown": "fewer than 2 votes agree",
    "tie": "label vote tied",
    "nobody": "no face found",
    "crowd": "",
    "no record": "no record names it",
    "twice": "a second record of that photo",
    "twin": "",
}


def make_tree(
    root: Path,
    *,
    photos: int = 140,
    people: int = 14,
    seed: int = 0,
    packing: str = "mixed",
    troubles: bool = True,
    large: int = 50,
) -> list[Truth]:
    """Write a download folder.

    Parameters
    ----------
    root : Path
        Gets ``Training`` and ``Validation``.
    photos, people : int
        How many; an eighth of both in ``Validation``.
    seed : int
        The same seed draws the same photos, however they are packed.
    packing : str
        ``mixed`` (a way of its own for every class) or ``folders``.
    troubles : bool
        Put every kind of trouble in.
    large : int
        One photo of so many has 12 megapixels, the others have 1440x1083.
    """
    truths = list(_people_at_work(photos, people, seed, troubles))
    shots = Parallel(n_jobs=-1)(
        delayed(draw_photo)(
            truth.person + truth.name,
            KOREAN7.names[number_of(truth.name) % 7] if truth.trouble == "tie" else truth.emotion,
            truth.person,
            nobody=truth.trouble == "nobody",
            crowd=truth.trouble == "crowd",
            wide=4032 if i % large == large - 1 else 1440,
        )
        for i, truth in enumerate(truths)
    )
    files: dict[tuple[str, str], dict[str, bytes]] = {}
    records: dict[tuple[str, str], list[dict[str, Any]]] = {}
    made = []
    for truth, (data, box) in zip(truths, shots, strict=True):
        group = (truth.split, truth.emotion)
        data = _spoil(data, truth.trouble)
        if data is not None:
            files.setdefault(group, {})[truth.name] = data
        if truth.trouble != "no record":
            record = _record(truth, box)
            records.setdefault(group, []).extend([record] * (2 if truth.trouble == "twice" else 1))
        made.append(Truth(truth.name, truth.emotion, truth.split, truth.person, box, truth.trouble))
    for place, group in enumerate(sorted(records)):
        split, emotion = group
        way = place % 7 if packing == "mixed" else 1
        twins = [t.name for t in made if t.trouble == "twin" and (t.split, t.emotion) == group]
        pack(root, split, _korean(emotion), files[group], records[group], way, twins)
    (root / "Training" / "빈 폴더" / "더 빈 폴더").mkdir(parents=True)
    return made


def _people_at_work(photos: int, people: int, seed: int, troubles: bool) -> Iterable[Truth]:
    """Names and troubles, no pictures yet."""
    rng = np.random.default_rng(seed)
    kinds = list(TROUBLES) if troubles else []
    for i in range(photos):
        split = "val" if i % 8 == 7 else "train"
        # One person stands in both splits; whether the real set has such people is not known.
        number = int(rng.integers(people))
        own = number % 8 == 7
        who = (
            number
            if number == 0 or own == (split == "val")
            else (number // 8) * 8 + 7 * (split == "val")
        )
        person = hashlib.sha256(f"{seed}/{who}".encode()).hexdigest()
        emotion = KOREAN7.names[i % 7 if i % 16 < 14 else int(rng.integers(7))]
        background = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]
        ending = "jpeg" if rng.random() < 0.015 else "jpg"
        name = (
            f"{person}_{'여남'[who % 2]}_{20 + 10 * (who % 4)}_{_korean(emotion)}_{background}_"
            f"202012{1 + i % 28:02d}{i % 24:02d}{i % 60:02d}00-{i % 1000:03d}-{i // 1000:03d}"
            f".{ending}"
        )
        trouble = kinds[(i // 9) % len(kinds)] if kinds and i % 9 == 8 else ""
        yield Truth(name, emotion, split, person, None, trouble)


def _record(truth: Truth, box: Box | None) -> dict[str, Any]:
    """A photo's record, with the field names of the files."""
    rng = np.random.default_rng(number_of("record" + truth.name))
    said = [_korean(truth.emotion)]
    others = [_korean(name) for name in KOREAN7.names if name != truth.emotion]
    for _ in range(3):
        agrees = truth.trouble or rng.random() < AGREEMENT.get(truth.emotion, 0.75)
        said.append(said[0] if agrees else str(rng.choice(others)))
    if truth.trouble == "unknown":
        said = [said[0], UNKNOWN, UNKNOWN, UNKNOWN]
    if truth.trouble == "tie":
        said = [said[0], said[0], others[0], others[0]]
    if not truth.trouble and said.count(said[0]) <= max(map(said[1:].count, said[1:])):
        said[1:3] = said[0], said[0]  # the uploader's word wins; ties come where they are wanted
    gender, age, _, background = truth.name.split("_")[1:5]
    record: dict[str, Any] = {
        "filename": truth.name,
        "gender": gender,
        "age": int(age),
        "isProf": "비전문인",
        "faceExp_uploader": said[0],
        "bg_uploader": background,
    }
    for i, judge in enumerate("ABC"):
        empty = truth.trouble == "no box" or (truth.trouble == "one box" and judge == "B")
        corners = (0.0, 0.0, 0.0, 0.0) if empty or box is None else annotated(box, rng)
        record[f"annot_{judge}"] = {
            "boxes": dict(zip(("minX", "minY", "maxX", "maxY"), corners, strict=True)),
            "faceExp": said[i + 1],
            "bg": background,
        }
    return record


def _spoil(data: bytes, trouble: str) -> bytes | None:
    if trouble == "missing":
        return None
    if trouble == "cut":
        return data[: len(data) // 5]
    return b"<html>404 Not Found</html>" if trouble == "text" else data


def _korean(emotion: str) -> str:
    return KOREAN7.korean[KOREAN7.index(emotion)]
