"""Refuse what cannot work before anything long begins."""

from shlex import quote
from typing import Any

import numpy as np

from edgefer.bundle import Bundle
from edgefer.errors import BundleError, DataError, EdgeferError
from edgefer.faceset import FaceSet
from edgefer.labels import Labels, translate
from edgefer.progress import say

from .calibration import check_calibration
from .recipe import ExportRecipe


def require(
    bundle: Bundle, recipe: ExportRecipe, calibration: FaceSet | None, faces: FaceSet | None
) -> None:
    """Refuse faces that are missing, do not fit the bundle, or judge what they made.

    Raises
    ------
    EdgeferError
        If something that the recipe needs was not given.
    DataError
        If faces do not fit.
    """
    if recipe.int8 and calibration is None:
        raise EdgeferError(
            "int8 needs calibration faces: --calib DIR. Make them: edgefer calib FACESET -o "
            "calib_data/NAME."
        )
    if calibration is not None and not recipe.int8:
        raise EdgeferError("calibration faces are for int8: add --int8, or leave --calib out.")
    trains = bool(recipe.macs or recipe.latency or recipe.sparsity or recipe.clusters)
    trains = trains or recipe.rung == "qat"
    if faces is None and (trains or recipe.gate is not None):
        what = "pruning, clustering and QAT train further and need"
        raise EdgeferError(f"{what if trains else 'the gate needs'} faces: --faces FACESET.")
    if recipe.rung == "qat":
        reason = no_training(faces, recipe, bundle.labels)
        if reason:
            raise EdgeferError(f"--rung qat trains further, and {reason}. Leave it out.")
    if calibration is not None:
        check_calibration(calibration, bundle, faces)
    if faces is not None and (trains or recipe.gate is not None):
        if faces.size != bundle.size:
            raise DataError(
                f"{bundle.folder} takes patches of {bundle.size} pixels, those of {faces.folder} "
                f"have {faces.size}. Import the faces again with --size {bundle.size}."
            )
        if trains and faces.labels.names != bundle.labels.names:
            raise DataError(
                f"{bundle.folder} answers with {', '.join(bundle.labels.names)}, {faces.folder} "
                f"has {', '.join(faces.labels.names)}. Train further with the faces it was trained "
                f"on, or carry it over first: edgefer train transfer {bundle.typed} "
                f"{quote(str(faces.folder))} -o NEW."
            )


def fits(model: Any, bundle: Bundle) -> None:
    """Refuse a network that is not what its bundle says."""
    wanted = ((None, bundle.size, bundle.size, 1), (None, len(bundle.labels)))
    found = (model.input_shape, model.output_shape)
    if found != wanted:
        raise BundleError(
            f"{bundle.folder} holds a network from {found[0]} to {found[1]}, its description says "
            f"{wanted[0]} to {wanted[1]}. Train it again."
        )


def gate_faces(
    bundle: Bundle, recipe: ExportRecipe, calibration: FaceSet, faces: FaceSet
) -> FaceSet:
    """Faces that are the gate, under the bundle's labels.

    Raises
    ------
    DataError
        If there is no such split, calibration looked at its faces or people, all of it is trained
        on or reported too, or no face of it shows what the bundle knows.
    """
    gate = faces.split(recipe.gate_split)
    shared = calibration.shared_with(gate)
    if shared:
        raise DataError(
            f"{calibration.folder} shares {shared} with the {recipe.gate_split} split of "
            f"{faces.folder}, which is the gate. Choose others: edgefer calib "
            f"{quote(str(faces.folder))} -o calib_data/NAME."
        )
    others = [faces.split(name) for name in ("train", "test") if name in faces.split_names]
    seen = {digest for split in others for digest in split.hashes}
    gate = _without(gate, gate.hashes, seen, "that also stand in train or test")
    reported = set(faces.persons[faces.splits == "test"]) - {""}
    gate = _without(gate, gate.persons, reported, "whose person is also in test")
    if not len(gate):
        raise DataError(
            f"every face of the {recipe.gate_split} split of {faces.folder} also stands in train "
            "or test, or its person does in test: none is left for the gate. Make splits: edgefer "
            f"data split {quote(str(faces.folder))} --ratio 8:1:1 -o NEW."
        )
    spoken = gate.relabel(bundle.labels, translate(gate.labels, bundle.labels))
    if not len(spoken):
        raise DataError(
            f"no face of the {recipe.gate_split} split of {faces.folder} shows what "
            f"{bundle.folder} knows: {', '.join(bundle.labels.names)}."
        )
    if len(spoken) < len(gate):
        say(f"gate: {len(gate) - len(spoken)} faces left out, whose emotions the bundle lacks")
    return spoken


def no_training(faces: FaceSet | None, recipe: ExportRecipe, labels: Labels) -> str:
    """Why there can be no quantization-aware training; empty if there can."""
    if faces is None or "train" not in faces.split_names:
        return "there is no train split to train on"
    if faces.labels.names != labels.names:
        return f"the faces are labelled {', '.join(faces.labels.names)}"
    if recipe.per_channel_dense:
        return "the converter does not take --per-channel-dense with it"
    return ""


def _without(faces: FaceSet, known: np.ndarray, others: set[Any], why: str) -> FaceSet:
    """Faces of which nothing is among the others; says how many are left out."""
    kept = np.array([one not in others for one in known], bool)
    if not kept.all():
        say(f"gate: {(~kept).sum():,} faces left out {why}")
    return faces.select(kept)
