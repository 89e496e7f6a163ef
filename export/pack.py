"""Prune, convert, audit and check, then write the new bundle."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from edgefer.bundle import MARKER, Bundle, Step, versions, write_bundle
from edgefer.errors import BundleError, DataError, EdgeferError
from edgefer.faceset import FaceSet
from edgefer.folders import refuse
from edgefer.keras import load_model, probabilities
from edgefer.progress import say
from edgefer.seen import ROLE, Seen

from .audit import WEIGHTED, audit, require_int8
from .calibration import check_calibration, fingerprint, representative
from .card import add_section
from .check import Check, answers, require_same, xnnpack
from .convert import to_float, to_int8
from .recipe import ExportRecipe

PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "numpy")
_MADE = ("float", "int8", "audit", "calibration")


def export_bundle(
    bundle: Bundle,
    recipe: ExportRecipe,
    out: Path,
    *,
    calibration: FaceSet | None = None,
    faces: FaceSet | None = None,
    force: bool = False,
) -> Bundle:
    """Make the models for a device and write them as a new bundle.

    Parameters
    ----------
    bundle : Bundle
        Holds the Keras model.
    recipe : ExportRecipe
        Every choice; it goes into the bundle.
    out : Path
        The bundle to be.
    calibration : FaceSet, optional
        Faces that int8 is calibrated on; there is no int8 without them.
    faces : FaceSet, optional
        Its ``train`` split is what pruning trains on; its ``val`` and ``test`` splits must share no
        face and no person with the calibration faces.
    force : bool
        Replace a bundle that is there.

    Returns
    -------
    Bundle
        What the old one held, the Keras model pruned if so asked; ``float.tflite``,
        ``int8.tflite``, ``audit.json``, ``calibration.json``; and one more step in its history.

    Raises
    ------
    EdgeferError
        If something that the recipe needs was not given.
    DataError
        If faces do not fit the bundle or judge the model they made.
    BundleError
        If there is no Keras model, it cannot be converted, or what was written is not what it
        should be.
    """
    refuse(out, MARKER, force=force)
    _require(bundle, recipe, calibration, faces)
    for given in filter(None, (calibration, faces)):
        given.verify()
    model = load_model(bundle.path("keras"))
    _fits(model, bundle)
    scores: dict[str, Any] = {}
    files = {role: bundle.path(role) for role in bundle.files if role not in _MADE}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if recipe.prune and faces is not None:
            model, scores["pruning"] = _pruned(model, faces, recipe)
            files["keras"] = folder / "model.keras"
            model.save(files["keras"])
            seen = Seen.of(faces) | Seen.load(bundle)
            files[ROLE] = seen.save(folder / "training.npz")
        made, audits, checks = _convert(model, recipe, bundle.size, calibration)
        for role, data in made.items():
            files[role] = folder / f"{role}.tflite"
            files[role].write_bytes(data)
        files["audit"] = folder / "audit.json"
        files["audit"].write_text(json.dumps(audits, indent=2) + "\n", encoding="utf-8")
        if calibration is not None:
            files["calibration"] = folder / "calibration.json"
            names = json.dumps(fingerprint(calibration), indent=2) + "\n"
            files["calibration"].write_text(names, encoding="utf-8")
        scores |= {
            role: {k: v for k, v in found.items() if k != "tensors"}
            for role, found in audits.items()
        }
        scores["check"] = checks
        if "card" in files:
            files["card"] = add_section(files["card"], out.name, scores, folder / "MODEL_CARD.md")
        parts = {"calibration": calibration, "faces": faces}
        used = {part: faceset for part, faceset in parts.items() if faceset is not None}
        step = Step(
            "export",
            asdict(recipe),
            {part: faceset.digest for part, faceset in used.items()},
            scores,
            versions(*PACKAGES),
            {part: faceset.provenance for part, faceset in used.items()},
        )
        return write_bundle(
            out,
            labels=bundle.labels,
            size=bundle.size,
            files=files,
            history=[*bundle.history, step],
            force=force,
        )


def _require(
    bundle: Bundle, recipe: ExportRecipe, calibration: FaceSet | None, faces: FaceSet | None
) -> None:
    """Refuse what cannot work before anything long begins."""
    if recipe.int8 and calibration is None:
        raise EdgeferError(
            "int8 needs calibration faces: --calib DIR. Make them: edgefer calib FACESET -o "
            "calib_data/NAME."
        )
    if calibration is not None and not recipe.int8:
        raise EdgeferError("calibration faces are for int8: add --int8, or leave --calib out.")
    if recipe.prune and faces is None:
        raise EdgeferError("pruning trains further and needs faces: --faces FACESET.")
    if calibration is not None:
        check_calibration(calibration, bundle, faces)
    if recipe.prune and faces is not None:
        if faces.size != bundle.size:
            raise DataError(
                f"{bundle.folder} takes patches of {bundle.size} pixels, those of {faces.folder} "
                f"have {faces.size}. Import the faces again with --size {bundle.size}."
            )
        if faces.labels.names != bundle.labels.names:
            raise DataError(
                f"{bundle.folder} answers with {', '.join(bundle.labels.names)}, {faces.folder} "
                f"has {', '.join(faces.labels.names)}. Prune with the faces it was trained on, or "
                f"carry it over first: edgefer train transfer {bundle.typed} "
                f"{quote(str(faces.folder))} -o NEW."
            )


def _fits(model: Any, bundle: Bundle) -> None:
    wanted = ((None, bundle.size, bundle.size, 1), (None, len(bundle.labels)))
    found = (model.input_shape, model.output_shape)
    if found != wanted:
        raise BundleError(
            f"{bundle.folder} holds a network from {found[0]} to {found[1]}, its description says "
            f"{wanted[0]} to {wanted[1]}. Train it again."
        )


def _pruned(model: Any, faces: FaceSet, recipe: ExportRecipe) -> tuple[Any, dict[str, Any]]:
    # Only here: its toolkit takes two seconds to import.
    from .sparse import prune

    result = prune(model, faces, recipe)
    told: dict[str, Any] = {"sparsity": result.sparsity}
    if result.before and result.after:
        told |= {"before": result.before.to_json(), "after": result.after.to_json()}
        say(f"val {result.before.accuracy:.3f} before pruning, {result.after.accuracy:.3f} after")
    return result.model, told


def _convert(
    model: Any, recipe: ExportRecipe, size: int, calibration: FaceSet | None
) -> tuple[dict[str, bytes], dict[str, Any], dict[str, Any]]:
    """Models by role, what they hold, and how far they are from what they were made of."""
    if calibration is None:
        # Without faces the ramp tells whether the conversion went well.
        patches = next(representative(np.zeros((0, size, size), np.uint8)))[0][..., 0].astype(
            np.uint8
        )
    else:
        patches = calibration.patches
    say("converting to float.tflite")
    made = {"float": to_float(model)}
    before = answers(made["float"], patches)
    check = Check.of(probabilities(model, patches), before)
    require_same(check)
    audits = {"float": audit(made["float"]).to_json()}
    checks: dict[str, Mapping[str, float]] = {"float": check.to_json()}
    if calibration is not None:
        say(f"calibrating on {len(patches)} faces, converting to int8.tflite")
        made["int8"] = to_int8(model, patches, per_channel_dense=recipe.per_channel_dense)
        found = audit(made["int8"])
        require_int8(found)
        audits["int8"] = found.to_json()
        check = Check.of(before, answers(made["int8"], patches))
        checks["int8"] = check.to_json()
        if check.agreement < 0.9:
            say(
                f"int8 names another emotion on {1 - check.agreement:.0%} of the calibration "
                "faces: see what it costs with edgefer compare"
            )
    for role, data in made.items():
        shares = audits[role]["xnnpack"] = xnnpack(data)
        if shares["pieces"] != 1 or WEIGHTED & set(shares["outside"]):
            say(
                f"{role}: XNNPACK takes the model in {shares['pieces']} pieces and leaves out "
                f"{', '.join(shares['outside']) or 'nothing'}: expect it to be slow"
            )
    return made, audits, checks
