"""A face set: a folder of grey face patches with labels, votes, people and splits."""

import csv
import hashlib
import shlex
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from edgefer.errors import DataError
from edgefer.facereader import open_patches, read_about, read_labels, read_rows
from edgefer.facewriter import MARKER, Digest, write_faceset
from edgefer.labels import Labels
from edgefer.preprocess import Box

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class FaceSet:
    """Faces of a folder, or a selection of them.

    Attributes
    ----------
    folder : Path
        Where the faces lie.
    labels : Labels
        What the targets count in.
    size : int
        Side of a patch, in pixels.
    source, licence : str
        Where the faces come from, and under which terms.
    digest : str
        SHA-256 over labels, rows and patches of the whole folder.
    ids, splits, persons, origins : ndarray of object, shape (N,)
        Name, split, person and source file of each face; empty where unknown.
    targets : ndarray of int64, shape (N,)
        Class ids.
    boxes : ndarray of int64, shape (N, 4)
        x, y, w, h in the source picture; zeros where unknown.
    votes : ndarray of int64, shape (N, K)
        How many people chose each label; zeros where nobody was asked.
    rows : ndarray of int64, shape (N,)
        Where each face lies in ``patches.npy``.
    store : ndarray of uint8, shape (M, S, S)
        All patches of the folder, on disk.
    """

    folder: Path
    labels: Labels
    size: int
    source: str
    licence: str
    digest: str
    ids: np.ndarray
    splits: np.ndarray
    persons: np.ndarray
    origins: np.ndarray
    targets: np.ndarray
    boxes: np.ndarray
    votes: np.ndarray
    rows: np.ndarray
    store: np.ndarray

    @classmethod
    def load(cls, folder: Path) -> "FaceSet":
        """Open a face set; the patches stay on disk until they are asked for.

        Raises
        ------
        DataError
            If the folder is no face set, its files do not fit together, or its patches were made by
            another preprocessing. Whether a face was changed is told by `verify`.
        """
        folder = Path(folder)
        about = read_about(folder)
        try:
            labels = read_labels(about)
            size, digest = int(about["size"]), str(about["digest"])
            source, licence = str(about["source"]), str(about["licence"])
        except (KeyError, TypeError, ValueError) as error:
            message = f"{folder / MARKER} lacks or garbles {error}. Import it again."
            raise DataError(message) from error
        store = open_patches(folder / "patches.npy", size)
        columns = read_rows(folder / "faces.csv", labels, len(store))
        rows = np.arange(len(store))
        return cls(folder, labels, size, source, licence, digest, **columns, rows=rows, store=store)

    def verify(self) -> None:
        """Compare the whole folder with its digest; a second for every 200,000 faces of side 48.

        Raises
        ------
        DataError
            If a row or a patch was changed since it was written.
        """
        digest = Digest()
        # The folder's own: this may be a selection under other labels.
        labels = read_labels(read_about(self.folder))
        with (self.folder / "faces.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            for row, patch in zip(reader, self.store, strict=True):
                digest.add(row, patch.tobytes())
        if digest.close(labels, self.size) != self.digest:
            raise DataError(
                f"{self.folder} was changed since it was written: faces.csv and patches.npy do not "
                f"have the digest of {MARKER}. Import it again."
            )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def patches(self) -> np.ndarray:
        """All patches, uint8 (N, S, S), in memory."""
        return self.take(np.arange(len(self)))

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Patches at these positions, uint8 (n, S, S)."""
        return np.asarray(self.store[self.rows[positions]])

    def select(self, keep: np.ndarray) -> "FaceSet":
        """Faces that a mask or positions pick out."""
        names = ("ids", "splits", "persons", "origins", "targets", "boxes", "votes", "rows")
        return replace(self, **{name: getattr(self, name)[keep] for name in names})

    def split(self, name: str) -> "FaceSet":
        """Split of this name."""
        keep = self.splits == name
        if not keep.any():
            known = ", ".join(filter(None, self.split_names)) or "none"
            typed = shlex.quote(str(self.folder))
            raise DataError(
                f"{self.folder} has no split {name!r}; it has: {known}. Make splits: edgefer data "
                f"split {typed} --ratio 8:1:1 -o NEW."
            )
        return self.select(keep)

    @property
    def split_names(self) -> list[str]:
        """Splits in use, the usual ones first; an empty name stands for faces without one."""
        found = set(self.splits)
        return [s for s in SPLITS if s in found] + sorted(found - set(SPLITS))

    @property
    def provenance(self) -> str:
        """Source and licence, in one line."""
        return " ".join(f"{self.source}; licence: {self.licence}".split())

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Faces per split and emotion."""
        classes = len(self.labels)
        each = {
            split: np.bincount(self.targets[self.splits == split], minlength=classes).tolist()
            for split in self.split_names
        }
        return {
            split: dict(zip(self.labels.names, counts, strict=True))
            for split, counts in each.items()
        }

    @cached_property
    def hashes(self) -> np.ndarray:
        """BLAKE2b-128 of each patch, shape (N,), bytes: equal for equal pictures."""
        return np.array([patch_hash(patch) for patch in self._stream()], dtype=object)

    def _stream(self, step: int = 1024) -> Iterator[np.ndarray]:
        for start in range(0, len(self), step):
            yield from self.take(np.arange(start, min(start + step, len(self))))

    def relabel(self, labels: Labels, meaning: Mapping[int, int]) -> "FaceSet":
        """Faces under other labels; those whose emotion has no counterpart are left out.

        Parameters
        ----------
        labels : Labels
            The labels to speak in.
        meaning : mapping of int to int
            Class id here to class id there, as `edgefer.labels.translate` gives it.
        """
        kept = self.select(np.isin(self.targets, list(meaning)))
        votes = np.zeros((len(kept), len(labels)), np.int64)
        for old, new in meaning.items():
            votes[:, new] += kept.votes[:, old]
        targets = np.array([meaning[target] for target in kept.targets.tolist()], np.int64)
        return replace(kept, labels=labels, targets=targets, votes=votes)

    def shared_with(self, other: "FaceSet") -> "Shared":
        """What two face sets have in common: pictures, and people where they are known."""
        people = (set(self.persons) & set(other.persons)) - {""}
        known = set(other.hashes)
        faces = sum(digest in known for digest in self.hashes)
        return Shared(faces, tuple(sorted(people)))


def patch_hash(patch: np.ndarray) -> bytes:
    """BLAKE2b-128 of a patch, uint8 (S, S)."""
    return hashlib.blake2b(patch.tobytes(), digest_size=16).digest()


def person_key(person: str) -> str:
    """SHA-256 of a person's name, in hex: tells whether people are the same without naming them."""
    return hashlib.sha256(unicodedata.normalize("NFC", person).encode()).hexdigest()


@dataclass(frozen=True)
class Shared:
    """What two face sets have in common.

    Attributes
    ----------
    faces : int
        Faces of the first set that are, pixel by pixel, also in the second.
    people : tuple of str
        People in both.
    """

    faces: int
    people: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.faces or self.people)

    def __str__(self) -> str:
        parts = [f"{self.faces} faces"] * bool(self.faces)
        parts += [f"{len(self.people)} people"] * bool(self.people)
        return " and ".join(parts) or "nothing"


def copy_faceset(
    faces: FaceSet,
    out: Path,
    *,
    splits: Iterable[str] | None = None,
    source: str | None = None,
    dropped: Iterable[tuple[str, str]] = (),
    force: bool = False,
) -> FaceSet:
    """Write a selection as a face set of its own; dropped faces by origin and reason."""
    with write_faceset(
        out,
        faces.labels,
        faces.size,
        source=source or faces.source,
        licence=faces.licence,
        force=force,
    ) as writer:
        for i, (split, patch) in enumerate(
            zip(faces.splits if splits is None else splits, faces._stream(), strict=True)
        ):
            writer.add(
                patch,
                faces.labels.names[faces.targets[i]],
                split=split,
                person=faces.persons[i],
                origin=faces.origins[i],
                box=Box(*faces.boxes[i].tolist()) if faces.boxes[i].any() else None,
                votes=faces.votes[i].tolist() if faces.votes[i].any() else None,
            )
        for origin, reason in dropped:
            writer.drop(origin, reason)
    return FaceSet.load(out)
