"""Trees as AI Hub 82 hands them out, with drawn people: nobody here may hold the real ones.

What is faithful: folder, zip, file and field names, their encodings, the proportions of EXIF
orientations, annotators who mostly agree, boxes in the upright frame, and everything that is wrong
in the real set. What is not: the faces.
"""

import hashlib
import json
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from joblib import Parallel, delayed
from PIL import Image

from edgefer.labels import KOREAN7
from edgefer.preprocess import Box
from edgefer.synth import POPULATIONS, Person, action_units, draw_person
from edgefer.synth.head import draw_head
from edgefer.synth.scene import (
    HAAR_SIDE,
    develop,
    draw_backdrop,
    draw_shot,
    face_box,
    paste,
    placing,
)

KOREAN = POPULATIONS["korean"]
# EXIF orientations and their shares, measured on the real set.
ORIENTATIONS = {1: 0.595, 3: 0.252, 0: 0.087, 4: 0.058, 8: 0.004, 2: 0.004}
# How often an annotator repeats the uploader's label.
AGREEMENT = {"happy": 0.97, "neutral": 0.95, "embarrassed": 0.8, "anxious": 0.5}
BACKGROUNDS = ("자연환경", "도심 환경", "상업시설&점포&시장", "숙박 및 거주공간", "오락&공공시설")
UNKNOWN = "알수없음"
_SMALL = 4  # heads are drawn so much smaller, and enlarged
_MIDDLE = 32  # of the noise: it is added as bytes, and taken off again


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
            KOREAN7.names[_number(truth.name) % 7] if truth.trouble == "tie" else truth.emotion,
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
    for number, group in enumerate(sorted(records)):
        way = number % 7 if packing == "mixed" else 1
        twins = [t.name for t in made if t.trouble == "twin" and (t.split, t.emotion) == group]
        _pack(root, group, files[group], records[group], way, twins)
    (root / "Training" / "빈 폴더" / "더 빈 폴더").mkdir(parents=True)
    return made


def draw_photo(
    seed: str,
    emotion: str,
    person: str,
    *,
    nobody: bool = False,
    crowd: bool = False,
    wide: int = 1440,
    noise: float = 3.0,
    quality: int = 88,
) -> tuple[bytes, Box | None]:
    """A JPEG of somebody in a room, its EXIF orientation as chance has it, and the face's box.

    Parameters
    ----------
    seed, person : str
        The photo and the person depend on these alone.
    emotion : str
        One of korean7.
    nobody, crowd : bool
        Leave the person out; put another one into the background.
    wide : int
        Pixels; 4032 gives 12 megapixels, 1440 gives 1440x1083.
    noise, quality : float, int
        The sensor's noise in grey values, and the JPEG's quality: what a file's size comes from.
    """
    rng = np.random.default_rng(_number(seed))
    height, width = (1083 if wide == 1440 else wide * 3 // 4), wide
    small = (-(-height // _SMALL), -(-width // _SMALL))
    shot = draw_shot(rng, KOREAN)
    image, boxes = draw_backdrop(rng, small), []
    side = small[0] * rng.uniform(0.36, 0.58)
    places = [] if nobody else [(rng.uniform(0.35, 0.65), rng.uniform(0.42, 0.52), side, person)]
    if crowd:
        places.insert(0, (rng.choice([0.13, 0.87]), 0.35, side * 0.55, person + "'s friend"))
    for across, down, wanted, name in places:
        somebody: Person = draw_person(np.random.default_rng(_number(name)), KOREAN)
        unit = wanted / HAAR_SIDE
        canvas = 4 * round(unit)
        head, alpha = draw_head(somebody, action_units(rng, KOREAN, emotion), shot, canvas)
        matrix = placing(shot, canvas, small[1] * across, small[0] * down, unit)
        paste(image, head, alpha, matrix)
        boxes.append(face_box(shot, canvas, matrix))
    grey = develop(rng, image, shot, side / HAAR_SIDE)
    grey = cv2.resize(grey, None, fx=_SMALL, fy=_SMALL, interpolation=cv2.INTER_CUBIC)
    grey = grey[:height, :width]
    levels = np.arange(256)
    # Indoor light: less blue, more red.
    tones = [np.clip(levels * tint, 0, 255).astype(np.uint8) for tint in (0.86, 0.95, 1.04)]
    color = cv2.merge([cv2.LUT(grey, tone) for tone in tones])
    shift = np.roll(_grain(noise), int(rng.integers(512)), axis=1)
    tiled = np.tile(shift, (-(-height // 512), -(-width // 512), 1))[:height, :width]
    color = cv2.subtract(cv2.add(color, tiled), (_MIDDLE,) * 3)
    orientation = int(rng.choice(list(ORIENTATIONS), p=list(ORIENTATIONS.values())))
    box = Box(*(value * _SMALL for value in boxes[-1])) if boxes else None
    return _jpeg(color, orientation, quality), box


@lru_cache(maxsize=4)
def _grain(noise: float) -> np.ndarray:
    """A tile of sensor noise around a middle value, uint8 (512, 512, 3)."""
    grain = np.random.default_rng(0).normal(_MIDDLE, noise, (512, 512, 3))
    return np.clip(np.rint(grain), 0, 255).astype(np.uint8)


def _jpeg(upright: np.ndarray, orientation: int, quality: int) -> bytes:
    """A file whose EXIF says how to turn what lies in it."""
    turns = {2: 1, 3: -1, 4: 0}  # mirrored, upside down, both: as OpenCV numbers them
    stored = cv2.flip(upright, turns[orientation]) if orientation in turns else upright
    if orientation == 8:  # EXIF turns it back to the left
        stored = cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE)
    data = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    exif = Image.Exif()
    exif[0x0112] = orientation
    text = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
    return data[:2] + b"\xff\xe1" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]


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
    rng = np.random.default_rng(_number("record" + truth.name))
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


def annotated(box: Box, rng: np.random.Generator) -> tuple[float, ...]:
    """Corners that a person marks: .73 as wide as tall, two people's boxes overlap by .93."""
    x, y = box.x + box.w / 2, box.y + box.h / 2
    wide, tall = 0.77 * box.w, 1.055 * box.w
    corners = np.array([x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2])
    corners += rng.normal(0, 0.009, 4) * box.w
    return tuple(round(float(value), 3) for value in corners)


def _spoil(data: bytes, trouble: str) -> bytes | None:
    if trouble == "missing":
        return None
    if trouble == "cut":
        return data[: len(data) // 5]
    return b"<html>404 Not Found</html>" if trouble == "text" else data


def _pack(
    root: Path,
    group: tuple[str, str],
    files: dict[str, bytes],
    records: Sequence[dict[str, Any]],
    way: int,
    twins: Sequence[str],
) -> None:
    """Write one class of one split in one of seven ways."""
    split, emotion = group
    korean = _korean(emotion)
    word, folder = ("TRAIN", "Training") if split == "train" else ("VALID", "Validation")
    paper = f"img_emotion_{'training' if split == 'train' else 'validation'}_data({korean}).json"
    text = json.dumps(records, ensure_ascii=False, indent=1)
    encoded = text.encode(("utf-8", "utf-8-sig", "cp949")[way % 3])
    parent = root / folder
    labels, source = f"[라벨]EMOIMG_{korean}_{word}", f"[원천]EMOIMG_{korean}_{word}"
    names = sorted(files)
    if way == 6:  # an unpacker that cannot write &
        files = {name.replace("&", "_"): data for name, data in files.items()}
        names = sorted(files)
    halves = {f"{source}_01": names[: len(names) // 2], f"{source}_02": names[len(names) // 2 :]}
    if way == 1 or way == 2 or way == 6:
        form = "NFD" if way == 2 else "NFC"
        _write(parent, f"{labels}/{paper}", encoded, form)
        for part, own in halves.items():
            for name in own:
                _write(parent, f"{part}/{name}", files[name], form)
            if twins:
                _write(parent, f"{source}_02/again/{twins[0]}", b"other", form)
        return
    flags = {0: "cp949", 3: "utf-8 flag", 4: "cp949", 5: "utf-8"}[way]
    if way == 4:
        _write(parent, f"{labels}/{paper}", encoded, "NFC")
    else:
        write_zip(parent / f"{labels}.zip", [(paper, encoded)], flags)
    for part, own in halves.items():
        members = [(f"{part}/{name}" if way == 3 else name, files[name]) for name in own]
        if twins and part.endswith("2"):
            members.append((f"again/{twins[0]}", b"other"))
        write_zip(parent / f"{part}.zip", members, flags)


def write_zip(path: Path, members: Sequence[tuple[str, bytes]], encoding: str) -> None:
    """A zip whose names are in CP949 or UTF-8 without saying so, or in UTF-8 with the flag."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name) if encoding == "utf-8 flag" else _RawName(name, encoding)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


class _RawName(zipfile.ZipInfo):
    """An entry whose name is written as bytes, without the UTF-8 flag."""

    def __init__(self, name: str, encoding: str) -> None:
        super().__init__(name)
        self.encoding = encoding

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode(self.encoding), self.flag_bits & ~0x800


def _write(parent: Path, name: str, data: bytes, form: str) -> None:
    path = parent / unicodedata.normalize(form, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _korean(emotion: str) -> str:
    return KOREAN7.korean[KOREAN7.index(emotion)]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
