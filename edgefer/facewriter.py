"""Write a face set in a stream, whole or not at all."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np

from edgefer.errors import DataError
from edgefer.folders import new_folder
from edgefer.labels import Labels
from edgefer.preprocess import PREPROCESS, Box

MARKER = "faceset.json"
COLUMNS = ("id", "label", "split", "person", "origin", "box", "votes")


class Digest:
    """SHA-256 over rows, patches and labels; equal for face sets of equal content."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, row: Sequence[str], patch: bytes) -> None:
        """Count a face: its row of ``faces.csv`` and its patch."""
        self._hash.update("\x1f".join(row).encode() + b"\x1e" + patch)

    def close(self, labels: Labels, size: int) -> str:
        """The digest, in hex."""
        key = json.dumps([_described(labels), size, PREPROCESS], ensure_ascii=False)
        self._hash.update(key.encode())
        return self._hash.hexdigest()


class FaceSetWriter:
    """Takes faces one by one and streams them to disk; made by `write_faceset`."""

    def __init__(self, folder: Path, labels: Labels, size: int, source: str, licence: str) -> None:
        self.labels = labels
        self.size = size
        self._about = {"source": source, "licence": licence}
        self.folder = folder
        self._counts: dict[str, Counter[str]] = {}
        self._numbers: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._digest = Digest()
        self._faces, self._rows = _new_csv(folder / "faces.csv", COLUMNS)
        self._drops, self._drop_rows = _new_csv(folder / "dropped.csv", ("origin", "reason"))
        self._patches: BinaryIO = (folder / "patches.npy").open("wb")
        self._write_header(0)

    def __len__(self) -> int:
        return sum(self._numbers.values())

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many faces were left out so far, by reason."""
        return self._dropped

    def add(
        self,
        patch: np.ndarray,
        emotion: str,
        *,
        split: str = "",
        person: str = "",
        origin: str = "",
        box: Box | None = None,
        votes: Sequence[int] | None = None,
    ) -> str:
        """Write one face and return its id.

        Parameters
        ----------
        patch : ndarray of uint8, shape (S, S)
            The face.
        emotion : str
            One of the set's labels.
        split, person, origin : str
            Empty where unknown.
        box : Box, optional
            Where the face was in its source picture.
        votes : sequence of int, length K, optional
            How many people chose each label.
        """
        if patch.shape != (self.size, self.size) or patch.dtype != np.uint8:
            raise ValueError(f"patch is {patch.dtype} {patch.shape}, not uint8 of side {self.size}")
        self.labels.index(emotion)
        name = f"{emotion}_{self._numbers[emotion]:06d}"
        self._numbers[emotion] += 1
        self._counts.setdefault(split, Counter())[emotion] += 1
        numbers = [" ".join(map(str, values or ())) for values in (box, votes)]
        row = (name, emotion, split, person, origin, *numbers)
        self._rows.writerow(row)
        data = patch.tobytes()
        self._patches.write(data)
        self._digest.add(row, data)
        return name

    def drop(self, origin: str, reason: str) -> None:
        """Note a face that is left out, and why."""
        self._drop_rows.writerow((origin, reason))
        self._dropped[reason] += 1

    def close(self) -> None:
        """Close the files and write what they hold."""
        self._write_header(len(self))
        for file in (self._faces, self._drops, self._patches):
            file.close()

    def describe(self) -> None:
        """Write ``faceset.json``: from then on the folder is a face set."""
        about = {
            "format": 1,
            "labels": _described(self.labels),
            "size": self.size,
            "preprocess": PREPROCESS,
            **self._about,
            "counts": self._counts,
            "dropped": self._dropped,
            "digest": self._digest.close(self.labels, self.size),
        }
        text = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
        (self.folder / MARKER).write_text(text, encoding="utf-8")

    def _write_header(self, count: int) -> None:
        # NumPy pads the header so that the first axis can grow in place.
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, self.size, self.size)}
        self._patches.seek(0)
        np.lib.format.write_array_header_1_0(self._patches, header)


@contextmanager
def write_faceset(
    out: Path,
    labels: Labels,
    size: int,
    *,
    source: str,
    licence: str = "unknown",
    force: bool = False,
) -> Iterator[FaceSetWriter]:
    """Write a face set in a stream; the folder appears when it is whole.

    Raises
    ------
    DataError
        If the folder exists, or no face came.
    """
    if not 16 <= size <= 512:
        raise DataError(f"patches of {size} pixels are not made, 16 to 512 are. Try --size 48.")
    with new_folder(out, MARKER, force=force) as folder:
        writer = FaceSetWriter(folder, labels, size, source, licence)
        try:
            yield writer
        finally:
            writer.close()
        if not len(writer):
            raise DataError(f"no face was found in {source}{_reasons(writer.dropped)}.")
        writer.describe()


class _Lines:
    """Ends every row that a CSV writer hands over in a line feed alone."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        self._file.write(row.removesuffix("\r\n") + "\n")


def csv_writer(file: TextIO) -> Any:
    """Writer whose rows end in a line feed and whose texts may hold anything."""
    # csv quotes no more than the characters of its own line end, but reads a bare carriage return
    # as one: it must believe in \r\n for such a text to be quoted.
    return csv.writer(_Lines(file), lineterminator="\r\n")


def _described(labels: Labels) -> dict[str, Any]:
    return {"name": labels.name, "names": list(labels.names), "korean": list(labels.korean)}


def _reasons(dropped: Mapping[str, int]) -> str:
    return "".join(f"; {count} left out: {reason}" for reason, count in dropped.items())


def _new_csv(path: Path, columns: Sequence[str]) -> tuple[TextIO, Any]:
    file = path.open("w", encoding="utf-8", newline="")
    writer = csv_writer(file)
    writer.writerow(columns)
    return file, writer
