"""Find judged faces that training or calibration had seen."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.bundle import Bundle
from edgefer.faceset import FaceSet, person_key
from edgefer.seen import Seen
from edgefer.untrusted import parse, understood

# The role of a bundle's file that names the calibration faces by their hashes:
# {"digest": face set digest, "faces": [BLAKE2b-128 of each patch, hex], "people": [SHA-256, hex]}.
ROLE = "calibration"


@dataclass(frozen=True)
class Leaks:
    """What the judged faces share with faces that the models had seen.

    Attributes
    ----------
    seen : ndarray of bool, shape (N,)
        Judged faces that training or calibration saw, pixel by pixel.
    train_faces, train_people : int
        Judged faces and people of other splits that are also in the face set's train split, or were
        trained on in another one.
    calibration_faces, calibration_people : int or None
        The same for the calibration set; None where the bundle does not name its faces.
    repeated : int
        Judged faces that repeat another judged face.
    warnings : tuple of str
        The same in words, and what the names of the split and the history tell.
    """

    seen: np.ndarray
    train_faces: int
    train_people: int
    calibration_faces: int | None
    calibration_people: int | None
    repeated: int
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, int | None]:
        """The counts, ready for JSON."""
        return {
            "train_faces": self.train_faces,
            "train_people": self.train_people,
            "calibration_faces": self.calibration_faces,
            "calibration_people": self.calibration_people,
            "repeated_faces": self.repeated,
        }


def find_leaks(bundle: Bundle, faces: FaceSet, judged: FaceSet, split: str) -> Leaks:
    """Compare judged faces with those that the bundle's training and calibration saw.

    Parameters
    ----------
    bundle : Bundle
        Its history tells which face sets made it; its files ``training.npz`` and
        ``calibration.json`` which faces.
    faces : FaceSet
        The whole face set; its train split counts as trained on.
    judged : FaceSet
        The faces of it that are judged.
    split : str
        Which split that is.

    Raises
    ------
    BundleError
        If one of the two files is garbled.
    """
    train = faces.select(faces.splits == "train")
    learned = judged.splits == "train"
    seen = Seen.load(bundle)
    in_train = _within(judged.hashes, set(train.hashes))
    known_people = set(train.persons)
    if seen is not None:
        in_train |= seen.has_faces(judged)
        known_people |= {name for name in set(judged.persons) if seen.has_person(name)}
    in_train &= ~learned
    people = len((set(judged.persons[~learned]) & known_people) - {""})
    calibration = _calibration(bundle)
    known = {bytes.fromhex(face) for face in calibration["faces"]} if calibration else set()
    in_calibration = _within(judged.hashes, known)
    keys = set(calibration["people"]) if calibration else set()
    calibrated_people = sum(person_key(name) in keys for name in set(judged.persons) - {""})
    repeated = len(judged) - len(set(judged.hashes))
    count = len(judged)
    said = [
        *_split_warnings(bundle, faces, split, int(learned.sum())),
        *_shared(int(in_train.sum()), people, count, "trained the network"),
        *_shared(int(in_calibration.sum()), calibrated_people, count, "calibrated the int8 model"),
    ]
    if any(step.stage.startswith("train") for step in bundle.history) and not (
        seen and seen.is_whole(bundle)
    ):
        said.append(
            "the bundle does not name all faces that it was trained on: whether some are judged "
            "here cannot be told."
        )
    if calibration is None and "int8" in bundle.files:
        said.append(
            "the bundle does not name the faces that calibrated it: whether some are judged here "
            "cannot be told."
        )
    unnamed = int((judged.persons == "").sum())
    if 0 < unnamed < count:
        said.append(
            f"{unnamed:,} of the {count:,} faces name no person: each counts as one of its own."
        )
    if repeated:
        said.append(f"{repeated:,} of the {len(judged):,} faces repeat another one of them.")
    return Leaks(
        seen=learned | in_train | in_calibration,
        train_faces=int(in_train.sum()),
        train_people=people,
        calibration_faces=None if calibration is None else int(in_calibration.sum()),
        calibration_people=None if calibration is None else calibrated_people,
        repeated=repeated,
        warnings=tuple(said),
    )


def _within(hashes: np.ndarray, known: set[bytes]) -> np.ndarray:
    return np.array([digest in known for digest in hashes], bool)


def _split_warnings(bundle: Bundle, faces: FaceSet, split: str, learned: int) -> list[str]:
    """What the split's name and the bundle's history give away."""
    used = {
        (part, step.stage)
        for step in bundle.history
        for part, digest in step.facesets.items()
        if digest == faces.digest
    }
    trained = any(stage.startswith("train") for _, stage in used)
    said = []
    if learned:
        said.append(
            f"{learned:,} of these faces are of a train split: models do better on faces they "
            "learned from than on new ones. Judge another split with --split."
        )
    elif split == "val" and trained:
        said.append(
            "training chose its best epoch by this val split: accuracy on it is a little too good."
        )
    if any("calib" in part for part, _ in used):
        said.append("the int8 model was calibrated with this face set. Judge it on another one.")
    return said


def _shared(faces: int, people: int, judged: int, where: str) -> list[str]:
    said = []
    if faces:
        said.append(
            f"{faces:,} of the {judged:,} judged faces also {where}; the row of unseen faces is "
            "without them."
        )
    if people:
        said.append(f"{people:,} of the people judged also {where}.")
    return said


def _calibration(bundle: Bundle) -> dict[str, Any] | None:
    """What the bundle tells about its calibration faces."""
    if ROLE not in bundle.files:
        return None
    where = bundle.folder / bundle.files[ROLE]
    with understood(where, "Export it again."):
        about = parse(where, bundle.read(ROLE))
        for face in about["faces"]:
            bytes.fromhex(face)
        set(about["people"])
    return about
