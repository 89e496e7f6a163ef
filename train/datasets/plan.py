"""What a photo import is going to do, in shards on disk: the same for one core or a cluster."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.errors import DataError
from edgefer.preprocess import PREPROCESS, Box

from .sources import Entry

SHARD = 64  # photos; a second or two of work
_NAME = 16  # characters of a plan's digest, which its folder is called by
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
    with _opened(path) as done:
        return done["patches"], json.loads(done["rows"].tobytes())


def load_rows(path: Path) -> list[dict[str, Any]]:
    """What became of each photo of a shard that is done, without the patches.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    with _opened(path) as done:
        rows: list[dict[str, Any]] = json.loads(done["rows"].tobytes())
        return rows


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as done:
            yield done
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is damaged") from error


def write_plan(
    folder: Path, photos: Iterable[Photo], recipe: CropRecipe, *, about: str, force: bool = False
) -> Plan:
    """Write photos in shards; go on with what is there if it is the same plan.

    Every plan has a folder of its own, named after its contents: whoever is still at work on
    another one cannot mix anything in.

    Parameters
    ----------
    folder : Path
        Keeps the plan's folder, and in it what was done.
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
    made = folder / "new"
    try:
        shutil.rmtree(made, ignore_errors=True)
        own = folder / _fill(made, photos, recipe, about)[:_NAME]
        others = [path for path in folder.glob("[0-9a-f]" * _NAME) if path != own]
        if others and not force:
            raise DataError(
                f"{folder} holds what an interrupted import did, of other photos or with other "
                f"options ({_said(others[0])}). Repeat those, or start anew with --force."
            )
        for other in others:
            shutil.rmtree(other)
        if own.exists():  # its plan may have been cut off by the power
            shutil.rmtree(own / "plan", ignore_errors=True)
            for name in ("plan", "plan.json"):
                (made / name).replace(own / name)
        else:
            made.rename(own)
        return Plan.load(own)
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror}.") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _fill(made: Path, photos: Iterable[Photo], recipe: CropRecipe, about: str) -> str:
    """Write a plan; its digest."""
    for name in ("plan", "done"):
        (made / name).mkdir(parents=True)
    identity = hashlib.sha256()
    identity.update(json.dumps([_VERSION, PREPROCESS, SHARD, asdict(recipe)]).encode())
    count = shards = 0
    stream = iter(photos)
    while chunk := [photo.to_json() for photo in islice(stream, SHARD)]:
        text = json.dumps(chunk)  # in ASCII: a path may hold bytes that are no text
        identity.update(text.encode())
        (made / "plan" / f"{shards:06d}.json").write_text(text, encoding="utf-8")
        count, shards = count + len(chunk), shards + 1
    plan = {"version": _VERSION, "about": about, "recipe": asdict(recipe)}
    plan |= {"shards": shards, "photos": count}
    text = json.dumps(plan, ensure_ascii=False, indent=2)
    (made / "plan.json").write_text(text + "\n", encoding="utf-8")
    return identity.hexdigest()


def _said(folder: Path) -> str:
    try:
        return str(json.loads((folder / "plan.json").read_text(encoding="utf-8"))["about"])
    except (OSError, ValueError, KeyError, TypeError):
        return "which cannot be read"
