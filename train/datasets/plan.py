"""What a photo import is going to do, in shards on disk: the same for one core or a cluster."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.errors import DataError
from edgefer.preprocess import PREPROCESS, Box

from .sources import Entry

SHARD = 64  # photos; a second or two of work
_VERSION = 1  # of what a shard does: raise it when the same plan gives other faces


@dataclass(frozen=True)
class Photo:
    """One record: a photograph, what is known about the face in it, or why it is left out.

    Attributes
    ----------
    origin : str
        The file's own name.
    entry : Entry or None
        Where it lies; None where there is none.
    emotion : str
        Label of the face.
    split, person : str
        Empty where unknown.
    votes : tuple of int
        How many people chose each label; empty where nobody was asked.
    boxes : tuple of Box
        Where each annotator saw the face, in the upright photograph.
    about : mapping of str to str
        What else the data set says about it.
    reason : str
        Why it is left out; empty if it is not.
    """

    origin: str
    entry: Entry | None = None
    emotion: str = ""
    split: str = ""
    person: str = ""
    votes: tuple[int, ...] = ()
    boxes: tuple[Box, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Photo":
        """Photo of what `to_json` gave."""
        row["entry"] = Entry(*row["entry"]) if row["entry"] else None
        row["votes"], row["boxes"] = tuple(row["votes"]), tuple(Box(*box) for box in row["boxes"])
        return cls(**row)

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class CropRecipe:
    """How faces are cut out of photographs.

    Attributes
    ----------
    crop : str
        ``haar``, ``annotated`` or ``both``: see `edgefer.train.datasets.crop.cut_face`.
    size : int
        Side of the patches, in pixels.
    largest : bool
        Where several faces are found and no box tells which is meant, take the largest.
    """

    crop: str = "haar"
    size: int = 48
    largest: bool = False


@dataclass(frozen=True)
class Plan:
    """Shards of photos in a folder, and how to cut faces out of them."""

    folder: Path
    recipe: CropRecipe
    shards: int
    photos: int

    @classmethod
    def load(cls, folder: Path) -> "Plan":
        """Open a plan."""
        about = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        if about["version"] != _VERSION:
            raise DataError(
                f"{folder} was planned by another version of edgefer. Install the same one on "
                "every machine, or start anew with --force."
            )
        return cls(folder, CropRecipe(**about["recipe"]), about["shards"], about["photos"])

    def shard(self, number: int) -> list[Photo]:
        """Photos of a shard."""
        text = (self.folder / "plan" / f"{number:06d}.json").read_text(encoding="utf-8")
        return [Photo.from_json(row) for row in json.loads(text)]

    def __iter__(self) -> Iterator[Photo]:
        for number in range(self.shards):
            yield from self.shard(number)

    def result(self, number: int) -> Path:
        """Where a shard's faces lie when it is done."""
        return self.folder / "done" / f"{number:06d}.npz"


def load_shard(path: Path) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Patches of a shard that is done, uint8 (n, S, S), and what became of each of its photos.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as done:
            return done["patches"], json.loads(done["rows"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged") from error


def write_plan(
    folder: Path, photos: Iterable[Photo], recipe: CropRecipe, *, about: str, force: bool = False
) -> Plan:
    """Write photos in shards; go on with what is there if it is the same plan.

    Parameters
    ----------
    folder : Path
        Keeps the plan and what was done of it.
    photos : iterable of Photo
        In the order of the face set to be.
    recipe : CropRecipe
    about : str
        What the plan was made from, for the message when another one is found.
    force : bool
        Throw another plan's work away.

    Raises
    ------
    DataError
        If the folder holds the work of another plan, or cannot be written.
    """
    try:
        return _write(folder, photos, recipe, about, force)
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror}.") from error
    finally:
        if not (folder / "plan.json").exists():  # what came to nothing leaves nothing
            _discard(folder, "plan", ".json")
            for empty in (folder / "plan", folder / "done", folder):
                with suppress(OSError):
                    empty.rmdir()


def _write(
    folder: Path, photos: Iterable[Photo], recipe: CropRecipe, about: str, force: bool
) -> Plan:
    found = folder / "plan.json"
    old = json.loads(found.read_text(encoding="utf-8")) if found.exists() else None
    for name in ("plan", "done"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    identity = hashlib.sha256()
    identity.update(json.dumps([_VERSION, PREPROCESS, SHARD, asdict(recipe)]).encode())
    count = shards = 0
    stream = iter(photos)
    while chunk := [photo.to_json() for photo in islice(stream, SHARD)]:
        text = json.dumps(chunk)  # in ASCII: a path may hold bytes that are no text
        identity.update(text.encode())
        # Until the plan turns out to be the old one, its shards are not touched.
        path = folder / "plan" / f"{shards:06d}.json{'.new' if old else ''}"
        path.write_text(text, encoding="utf-8")
        count, shards = count + len(chunk), shards + 1
    plan = {"version": _VERSION, "plan": identity.hexdigest(), "about": about}
    plan |= {"recipe": asdict(recipe), "shards": shards, "photos": count}
    if old and old["plan"] != plan["plan"]:
        if not force:
            _discard(folder, "plan", ".new")
            raise DataError(
                f"{folder} holds what an interrupted import did, of other photos or with other "
                f"options ({old['about']}). Repeat those, or start anew with --force."
            )
        _discard(folder, "done", ".npz")
        _discard(folder, "plan", ".json")
    for path in (folder / "plan").glob("*.new"):
        path.replace(path.with_suffix(""))
    partial = found.with_suffix(".partial")
    partial.write_text(json.dumps(plan, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    partial.replace(found)
    return Plan.load(folder)


def _discard(folder: Path, below: str, ending: str) -> None:
    for path in (folder / below).glob(f"*{ending}"):
        path.unlink()
