"""Choose the faces that int8 is calibrated on, check them, and show them to the converter."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import Bundle
from edgefer.errors import DataError
from edgefer.faceset import FaceSet, copy_faceset, person_key
from edgefer.facewriter import MARKER
from edgefer.folders import refuse
from edgefer.progress import say

from .select import CANDIDATES, Look, Pool, choose, usable

# Correlation of neighboring pixels, median over a set: FER2013 .91 (lowest face .59), noise .00.
_NOISE = 0.3
_FEW = 20


def make_calibration(
    faces: FaceSet,
    out: Path,
    *,
    per_emotion: int = 40,
    select: str = "balanced",
    bundle: Bundle | None = None,
    seed: int = 0,
    force: bool = False,
) -> FaceSet:
    """Choose faces from the ``train`` split, and write them.

    A face that is also in another split pixel by pixel, or whose person is, is passed over, and so
    is a second copy.

    Parameters
    ----------
    faces : FaceSet
        Where to choose from.
    out : Path
        The face set to be.
    per_emotion : int
        Faces of each emotion; one that has fewer is taken whole. ``random`` draws as many in all.
    select : str
        ``balanced``, ``random`` or ``spread``: see `edgefer.export.select.choose`.
    bundle : Bundle, optional
        Whose features are spread over; the packaged one if none is named.
    seed : int
        The same seed chooses the same faces.
    force : bool
        Replace a face set that is there.

    Returns
    -------
    FaceSet
        Its ``source`` names the face set, its digest and how the faces were chosen.

    Raises
    ------
    DataError
        If there is no ``train`` split, nothing in it may be used, or the bundle takes patches of
        another size.
    """
    if per_emotion < 1:
        raise DataError(f"--per-emotion {per_emotion} takes no face. Name 1 or more.")
    refuse(out, MARKER, force=force)
    pool, look, way = usable(faces), None, select
    if select == "spread":
        bundle = bundle or Bundle.load()
        look = _sight(bundle, pool)
        way = f"spread over the features of bundle {bundle.digest}"
    wanted = per_emotion * len(faces.labels)
    chosen = choose(pool, wanted, way=select, seed=seed, look=look)
    if not len(chosen):
        raise DataError(
            f"every face or person in the train split of {faces.folder} is also in another split. "
            f"Split it again: edgefer data split {faces.folder} --ratio 8:1:1 -o NEW."
        )
    made = pool.faces.select(chosen)
    if select == "random":
        number = f"{wanted} faces"
        if len(made) < wanted:
            say(f"{len(made)} faces, fewer than the {wanted} asked for")
    else:
        number = f"{per_emotion} faces an emotion"
        for target, count in enumerate(np.bincount(made.targets, minlength=len(made.labels))):
            if count < per_emotion:
                emotion = made.labels.names[target]
                say(f"{emotion}: {count} faces, fewer than the {per_emotion} asked for")
    source = (
        f"{faces.source}; edgefer calib, {way}, {number}, seed {seed}, from the train split of "
        f"face set {faces.digest}"
    )
    return copy_faceset(made, out, source=source, force=force)


def check_calibration(calibration: FaceSet, bundle: Bundle, faces: FaceSet | None = None) -> None:
    """Refuse faces that int8 should not be calibrated on; say what is doubtful about the others.

    The labels may be other than the bundle's: the converter looks at the pictures only, and the
    Korean faces are the right ones for a model that will watch Koreans, whatever they are called.

    Parameters
    ----------
    calibration : FaceSet
        The faces.
    bundle : Bundle
        What is exported.
    faces : FaceSet, optional
        The face set whose ``val`` and ``test`` splits judge the model.

    Raises
    ------
    DataError
        If the patches differ in size, look like noise, are all of one emotion, or are shared with
        what judges the model.
    """
    name = calibration.folder
    if calibration.size != bundle.size:
        raise DataError(
            f"{bundle.folder} takes patches of {bundle.size} pixels, those of {name} have "
            f"{calibration.size}. Import the faces again with --size {bundle.size}."
        )
    likeness = neighbor_likeness(calibration.patches)
    if likeness < _NOISE:
        raise DataError(
            f"{name} looks like noise: neighboring pixels correlate {likeness:.2f}, in faces about "
            "0.9. Noise can make a bad int8 model. Choose faces: edgefer calib FACESET -o "
            "calib_data/NAME."
        )
    judges = int(np.isin(calibration.splits, ("val", "test")).sum())
    if judges:
        raise DataError(
            f"{name} holds {judges} faces of the splits val and test, which judge the model. "
            "Choose from its split train: edgefer calib "
            f"{shlex.quote(str(name))} -o calib_data/NAME."
        )
    if faces is not None:
        _refuse_judges(calibration, faces)
    _refuse_one_emotion(calibration)
    if len(calibration) < _FEW:
        say(f"only {len(calibration)} calibration faces: 40 an emotion are the usual number")


def fingerprint(calibration: FaceSet) -> dict[str, Any]:
    """What tells whether a face or a person took part in calibration, without showing either.

    Returns
    -------
    dict
        ``digest`` of the face set, ``faces`` (BLAKE2b-128 of each patch, hex) and ``people``
        (SHA-256 of each name, hex).
    """
    people = set(calibration.persons) - {""}
    return {
        "digest": calibration.digest,
        "faces": sorted(digest.hex() for digest in calibration.hashes),
        "people": sorted(person_key(person) for person in people),
    }


def neighbor_likeness(patches: np.ndarray) -> float:
    """Correlation of each pixel with the one right of it, median over patches, uint8 (N, S, S)."""
    count = len(patches)
    left, right = (
        part.reshape(count, -1).astype(np.float64) for part in (patches[..., :-1], patches[..., 1:])
    )
    left -= left.mean(axis=1, keepdims=True)
    right -= right.mean(axis=1, keepdims=True)
    norms = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    # A blank patch has no correlation; it is unlike a face and counts as 0.
    return float(np.median((left * right).sum(axis=1) / np.maximum(norms, 1)))


def representative(patches: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Patches, uint8 (N, S, S), as the converter wants them: one by one, float32 (1, S, S, 1)."""
    side = patches.shape[1]
    # One 0..255 ramp first: it pins the input scale to exactly 1, so a pixel is its own
    # quantized value.
    for patch in (ramp(side), *patches):
        yield [patch.reshape(1, side, side, 1).astype(np.float32)]


def ramp(size: int) -> np.ndarray:
    """Every grey from black to white, uint8 (1, S, S)."""
    return np.linspace(0, 255, size * size).astype(np.uint8).reshape(1, size, size)


def _refuse_one_emotion(calibration: FaceSet) -> None:
    """Refuse faces that show one emotion only, or may do so."""
    labels = calibration.labels
    seen = sorted(set(calibration.targets.tolist()))
    if len(seen) > 1:
        return
    emotion = labels.names[seen[0]]
    if len(labels) == 1:
        found = (
            f"{calibration.folder} calls all its faces {emotion!r} and has no other label: they "
            "may show one emotion only"
        )
    else:
        found = f"all {len(calibration)} faces of {calibration.folder} are {emotion}"
    raise DataError(
        f"{found}. int8 takes its ranges from these faces, and other emotions may exceed them. "
        "Choose faces of every emotion: edgefer calib FACESET -o calib_data/NAME."
    )


def _refuse_judges(calibration: FaceSet, faces: FaceSet) -> None:
    """Refuse calibration faces that the ``val`` or ``test`` split of a face set shares."""
    judges = [split for split in ("val", "test") if split in faces.split_names]
    if not judges:
        say(f"{faces.folder} has no val or test split: nothing to compare calibration faces with")
    for split in judges:
        shared = calibration.shared_with(faces.split(split))
        if shared:
            raise DataError(
                f"{calibration.folder} shares {shared} with the {split} split of {faces.folder}, "
                f"which judges the model. Choose others: edgefer calib {faces.folder} -o "
                "calib_data/NAME."
            )


def _sight(bundle: Bundle, pool: Pool) -> Look:
    """Look through a bundle's network; say where it will not look at every face."""
    if pool.faces.size != bundle.size:
        raise DataError(
            f"{bundle.folder} takes patches of {bundle.size} pixels, those of {pool.faces.folder} "
            f"have {pool.faces.size}. Name a bundle for such patches with --bundle, or choose with "
            "--select balanced."
        )
    # Only here: TensorFlow takes seconds to import, and the other ways do without.
    from .features import sight

    if len(pool.faces) and np.bincount(pool.faces.targets).max() > CANDIDATES:
        say(f"looking at {CANDIDATES:,} random faces of each emotion that has more")
    return sight(bundle)
