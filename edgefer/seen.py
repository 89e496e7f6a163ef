"""Which faces and people a network was trained on, told by hashes, and shown by none."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefer.arrays import GARBLED, read_arrays
from edgefer.bundle import Bundle
from edgefer.faceset import FaceSet, person_key
from edgefer.untrusted import understood

ROLE = "training"  # of the bundle's file
_MOST = 2**28  # bytes: thirty million faces


@dataclass(frozen=True)
class Seen:
    """Faces and people that training saw.

    Eight bytes each: of 100,000 judged and 500,000 seen faces one pair meets by chance once in 400
    million times.

    Attributes
    ----------
    faces : ndarray of uint64, shape (N,)
        First half of the BLAKE2b-128 of each patch, sorted.
    people : ndarray of uint64, shape (P,)
        Beginning of the SHA-256 of each name, sorted.
    sets : tuple of str
        Digests of the face sets they come from.
    """

    faces: np.ndarray
    people: np.ndarray
    sets: tuple[str, ...]

    @classmethod
    def of(cls, faces: FaceSet) -> "Seen":
        """What training on a face set's ``train`` split sees."""
        train = faces.split("train")
        names = sorted(set(train.persons) - {""})
        people = b"".join(bytes.fromhex(person_key(name))[:8] for name in names)
        return cls(
            np.unique(_short(train.hashes)),
            np.unique(np.frombuffer(people, "<u8")),
            (faces.digest,),
        )

    @classmethod
    def load(cls, bundle: Bundle) -> "Seen | None":
        """What a bundle says its network saw; None if it does not.

        Raises
        ------
        BundleError
            If the file is garbled.
        """
        if ROLE not in bundle.files:
            return None
        with understood(bundle.folder / bundle.files[ROLE], "Get it again.", GARBLED):
            data = read_arrays(bundle.read(ROLE), _MOST)
            faces, people = (data[name].astype("<u8") for name in ("faces", "people"))
            return cls(np.unique(faces), np.unique(people), tuple(data["sets"].tolist()))

    def __or__(self, other: "Seen | None") -> "Seen":
        """Both together: a transfer's network saw what its base did."""
        if other is None:
            return self
        return Seen(
            np.union1d(self.faces, other.faces),
            np.union1d(self.people, other.people),
            tuple(sorted({*self.sets, *other.sets})),
        )

    def save(self, path: Path) -> Path:
        """Write an ``.npz``."""
        np.savez(path, faces=self.faces, people=self.people, sets=np.array(self.sets, "U64"))
        return path

    def has_faces(self, faces: FaceSet) -> np.ndarray:
        """Which faces training saw, pixel by pixel, bool (N,)."""
        return np.isin(_short(faces.hashes), self.faces)

    def has_person(self, name: str) -> bool:
        """Whether training saw faces of a person."""
        key = np.frombuffer(bytes.fromhex(person_key(name))[:8], "<u8")
        return bool(np.isin(key, self.people)[0])

    def is_whole(self, bundle: Bundle) -> bool:
        """Whether every training in a bundle's history is told of."""
        trained = {
            step.facesets["faces"]
            for step in bundle.history
            if step.stage.startswith("train") and "faces" in step.facesets
        }
        return trained <= set(self.sets)


def _short(hashes: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"".join(digest[:8] for digest in hashes), "<u8")
