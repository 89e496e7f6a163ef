"""Read AI Hub 82 (한국인 감정인식을 위한 복합 영상) as it is downloaded: zips, folders, or both."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgefer.errors import DataError
from edgefer.labels import KOREAN7, Labels, canonical
from edgefer.preprocess import Box
from edgefer.progress import say

from .folder import ENDINGS
from .plan import Photo
from .sources import LARGEST_TEXT, Entry, basename, plain, read, scan

LICENCE = "AI Hub 82: its terms forbid handing it on"
# Whose answer becomes the label; the order is that of the votes.
JUDGES = ("uploader", "annotator-a", "annotator-b", "annotator-c")
LABEL_BY = ("vote", *JUDGES)
UNKNOWN = "알수없음"
_ANNOTATORS = "ABC"
_PERSON = re.compile(r"[0-9a-f]{32,128}(?=_)")
_ABOUT = ("gender", "age", "background", "professional", *(j.replace("-", "_") for j in JUDGES))


@dataclass(frozen=True)
class LabelRecipe:
    """How four people's answers become one label.

    Attributes
    ----------
    by : str
        ``vote``, or the one person whose answer counts: ``uploader``, ``annotator-a``, ...
    least : int
        Votes that an emotion needs; for ``vote`` only.
    renames : mapping of str to str
        Emotions that go under another name; an empty name leaves one out.
    """

    by: str
    least: int
    renames: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.by not in LABEL_BY:
            raise DataError(f"--label-by is {self.by!r}, expected one of {', '.join(LABEL_BY)}.")
        if not 1 <= self.least <= len(JUDGES):
            raise DataError(f"--min-votes is {self.least}, expected 1 to {len(JUDGES)}.")


def plan_aihub(sources: Sequence[Path], labels: Labels, recipe: LabelRecipe) -> Iterator[Photo]:
    """Every record and photo of a download, in an order that does not depend on where it lies.

    Parameters
    ----------
    sources : sequence of Path
        The download folder, its zips, its unpacked folders, in any mix.
    labels : Labels
        Of the face set; a record with another label is left out.
    recipe : LabelRecipe

    Yields
    ------
    Photo
        First the records, by split, label file and name; then photos that no record names.

    Raises
    ------
    DataError
        If nothing there looks like AI Hub 82, a zip is damaged, or an emotion to rename is none.
    """
    for old, new in recipe.renames.items():
        KOREAN7.index(old)
        if new:
            labels.index(new)
    photos, papers, twins = _sort_out(sources)
    if not papers:
        raise DataError(
            f"there are no labels (.json) in {', '.join(map(str, sources))}. Name the download "
            "folder that holds both [라벨] and [원천], or name both."
        )
    if not photos:
        raise DataError(
            f"there are no photos in {', '.join(map(str, sources))}, only labels. Name the "
            "download folder that holds both [라벨] and [원천], or name both."
        )
    claimed: set[bytes] = set()
    for paper in sorted(papers, key=_paper_order):
        records = list(_records(paper))
        say(f"{basename(paper.name)}: {len(records)} records")
        for name, record in sorted(records, key=lambda pair: pair[0]):
            yield _photo(name, record, _split(paper), photos, claimed, labels, recipe)
    left = [entry for key, entry in photos.items() if key not in claimed]
    for reason, entries in (("no record names it", left), ("a second photo of that name", twins)):
        for name in sorted(basename(entry.name) for entry in entries):
            yield Photo(name, reason=reason)


def decide(said: Sequence[str], recipe: LabelRecipe) -> str:
    """Label of a face from what four people said.

    Parameters
    ----------
    said : sequence of str
        The uploader's answer and those of annotators A, B and C; empty where one did not know.
    recipe : LabelRecipe

    Raises
    ------
    DataError
        If they do not agree on one: the message is the reason.
    """
    if recipe.by != "vote":
        answer = said[JUDGES.index(recipe.by)]
        if not answer:
            raise DataError(f"the {recipe.by.replace('-', ' ')} did not know the emotion")
        return answer
    (first, most), *rest = Counter(filter(None, said)).most_common() or [("", 0)]
    if not most:
        raise DataError("nobody knew the emotion")
    if rest and rest[0][1] == most:
        raise DataError("label vote tied")
    if most < recipe.least:
        raise DataError(f"fewer than {recipe.least} votes agree")
    return first


def _sort_out(sources: Sequence[Path]) -> tuple[dict[bytes, Entry], list[Entry], list[Entry]]:
    """Photos by the key of their name, label files, and photos whose name came before."""
    photos: dict[bytes, Entry] = {}
    papers, twins = [], []
    # By name: which of two photos of one name counts must not depend on what lies in a zip.
    for entry in sorted(scan(sources)):
        name = entry.name.lower()
        if name.endswith(".json"):
            papers.append(entry)
        elif (
            name.endswith(ENDINGS)
            and "__macosx/" not in name
            and photos.setdefault(_key(entry.name), entry) is not entry
        ):
            twins.append(entry)
    return photos, papers, twins


def _key(name: str) -> bytes:
    """What two spellings of a photo's name share, short: there are half a million."""
    stem = plain(basename(name)).casefold().replace("&", "_")
    for ending in ENDINGS:
        stem = stem.removesuffix(ending)
    return hashlib.blake2b(stem.encode(), digest_size=16).digest()


def _split(paper: Entry) -> str:
    """Training becomes ``train``, Validation ``val``; a file's name counts before its folder's."""
    for part in reversed(paper.name.casefold().split("/")):
        if "valid" in part:
            return "val"
        if "train" in part:
            return "train"
    return ""


def _paper_order(paper: Entry) -> tuple[str, str, str]:
    return _split(paper), basename(paper.name), paper.name


def _records(paper: Entry) -> Iterator[tuple[str, Any]]:
    """Photo's name and record; a file or record that is not as documented comes as a reason."""
    name = basename(paper.name)
    try:
        found = json.loads(_text(read(paper, largest=LARGEST_TEXT)))
    except DataError as error:
        yield name, str(error)
        return
    except OSError as error:
        raise DataError(f"{paper.path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError):
        yield name, "is no JSON, or in an unknown encoding"
        return
    if not isinstance(found, list):
        yield name, f"holds a {type(found).__name__}, not a list of records"
        return
    for i, record in enumerate(found):
        filename = record.get("filename") if isinstance(record, dict) else None
        if isinstance(filename, str) and filename.strip():
            yield plain(basename(filename.strip())), record
        else:
            yield f"{name}:{i + 1}", "the record is not as documented"


def _text(data: bytes) -> str:
    """Text in UTF-8, with or without a mark, or CP949."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp949")


def _photo(
    name: str,
    record: Any,
    split: str,
    photos: Mapping[bytes, Entry],
    claimed: set[bytes],
    labels: Labels,
    recipe: LabelRecipe,
) -> Photo:
    """A record as a photo to cut, or as one that is left out."""
    if isinstance(record, str):
        return Photo(name, reason=record)
    key = _key(name)
    if key in claimed:
        return Photo(name, reason="a second record of that photo")
    claimed.add(key)
    if key not in photos:
        return Photo(name, reason="the photo is missing")
    try:
        answers = [_answer(record, judge) for judge in ("uploader", *_ANNOTATORS)]
        # An emotion that is left out still has its votes: who lost the vote does not win by it.
        said = [recipe.renames.get(answer) or answer for answer in answers]
        emotion = decide(said, recipe)
        if recipe.renames.get(emotion) == "":
            raise DataError("left out by --map")
        if emotion not in labels:
            raise DataError(f"{emotion!r} is not one of the labels")
        boxes = tuple(_box(record, judge) for judge in _ANNOTATORS)
    except DataError as error:
        return Photo(name, reason=str(error))
    person = _PERSON.match(name)
    about = (
        *(_word(record.get(field)) for field in ("gender", "age", "bg_uploader", "isProf")),
        *answers,
    )
    return Photo(
        name,
        photos[key],
        emotion,
        split=split,
        person=person.group() if person else "",
        votes=tuple(said.count(label) for label in labels.names),
        boxes=tuple(box for box in boxes if box),
        about=dict(zip(_ABOUT, about, strict=True)),
    )


def _answer(record: Mapping[str, Any], judge: str) -> str:
    """Emotion that somebody saw; empty for unknown."""
    if judge == "uploader":
        answer = record.get("faceExp_uploader")
    else:
        answer = _either(record, judge, "faceExp")
    word = _word(answer).strip()
    return "" if word == UNKNOWN else canonical(word)


def _box(record: Mapping[str, Any], judge: str) -> Box | None:
    """Where an annotator saw the face; None without an area."""
    corners = _either(record, judge, "boxes") or record.get(f"faceBB_{judge}")
    if corners is None:
        return None
    try:
        left, top, right, bottom = (
            round(float(corners[side])) for side in ("minX", "minY", "maxX", "maxY")
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError("a box is not as documented") from error
    if right <= left or bottom <= top or max(map(abs, (left, top, right, bottom))) > 1e6:
        return None
    return Box(left, top, right - left, bottom - top)


def _either(record: Mapping[str, Any], judge: str, field: str) -> Any:
    """A field as the files have it (``annot_A``), or as the document has it (``faceExp_A``)."""
    annotation = record.get(f"annot_{judge}")
    if isinstance(annotation, dict):
        return annotation.get(field)
    return record.get(f"{field}_{judge}")


def _word(value: Any) -> str:
    """Text of a field that may be text, a number or nothing."""
    return plain(str(value)[:80]) if isinstance(value, str | int | float) else ""
