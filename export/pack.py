"""Reshape, convert, judge and prove, then write the new bundle."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import MARKER, Bundle, Step, versions, write_bundle
from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.folders import refuse
from edgefer.interrupts import stop_if_asked
from edgefer.keras import load_model
from edgefer.labels import Labels
from edgefer.metadata import About
from edgefer.preprocess import PREPROCESS
from edgefer.progress import say
from edgefer.reference import ROLE as REFERENCE
from edgefer.seen import ROLE, Seen

from .calibration import fingerprint
from .card import add_section
from .convert import to_float
from .golden import drawn_faces
from .kernels import kernels_in, require_clusters, require_sparse
from .ladder import Climb, Made, climb, first_made
from .metadata import add_metadata
from .prove import prove
from .recipe import ExportRecipe
from .reference import make_reference
from .require import fits, gate_faces, require
from .reshape import CHANGES, reshape
from .rungs import Workshop
from .runtimes import find_tflite_python

PACKAGES = (
    *("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "numpy"),
    *("tf2onnx", "onnx", "onnxruntime"),
)
_MADE = (
    *("float", "int8", "onnx", "onnx_int8", "audit", "runtimes", "golden", "calibration"),
    REFERENCE,
)


def export_bundle(
    bundle: Bundle,
    recipe: ExportRecipe,
    out: Path,
    *,
    calibration: FaceSet | None = None,
    faces: FaceSet | None = None,
    tflite_python: Path | None = None,
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
        Its ``train`` split is what pruning and the like train on; its ``val`` split is the gate and
        tells how sure the models may be. The calibration faces must share no face and no person
        with its ``val`` and ``test`` splits.
    tflite_python : Path, optional
        A Python that has tflite-runtime: see `edgefer.export.runtimes.find_tflite_python`.
    force : bool
        Replace a bundle that is there.

    Returns
    -------
    Bundle
        What the old one held, the Keras model pruned if so asked; ``float.tflite``,
        ``int8.tflite``, what was found out about them, and one more step in its history.

    Raises
    ------
    EdgeferError
        If something that the recipe needs was not given.
    DataError
        If faces do not fit the bundle or judge the model they made.
    BundleError
        If there is no Keras model, it cannot be converted, or what was written is not what it
        should be.
    GateError
        If no way to quantize it passes the gate, or ``int8.onnx`` does not.
    """
    tflite_python = find_tflite_python(tflite_python)
    refuse(out, MARKER, force=force)
    require(bundle, recipe, calibration, faces)
    for given in filter(None, (calibration, faces)):
        given.verify()
    judges = _judges(bundle, recipe, calibration, faces)
    gate = judges if recipe.gate is not None else None
    model = load_model(bundle.path("keras"))
    fits(model, bundle)
    patches = calibration.patches if calibration is not None else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _kept(bundle, folder)
        shaped, scores = reshape(model, faces, recipe, patches)
        models, made, told = _models(shaped, recipe, bundle.labels, patches, faces, gate)
        scores |= told
        if faces is not None and (shaped is not model or made.trained):
            files[ROLE] = (Seen.of(faces) | Seen.load(bundle)).save(folder / "training.npz")
        if shaped is not model:
            model, files["keras"] = shaped, folder / "model.keras"
            model.save(files["keras"])
        for role, data in models.items():
            looked = calibration.digest if calibration is not None and role == "int8" else None
            about = About(bundle.labels, bundle.size, PREPROCESS, role, looked, bundle.digest)
            models[role] = add_metadata(data, about)
            files[role] = folder / f"{role}.tflite"
            files[role].write_bytes(models[role])
            kernels = kernels_in(models[role])
            require_sparse(kernels, recipe.sparsity, f"conversion to {role}")
            require_clusters(kernels, recipe.clusters, f"conversion to {role}")
        known = calibration is not None and calibration.labels.names == bundle.labels.names
        # Without faces drawn ones tell whether the conversion went well.
        shown = drawn_faces(bundle.size) if patches is None else patches
        proof = prove(
            model,
            models,
            shown,
            calibration.targets if calibration is not None and known else None,
            kept=made.kept,
            tflite_python=tflite_python,
        )
        files |= proof.save(folder)
        scores |= proof.to_json()
        if patches is not None:
            reference = make_reference(models, patches, judges)
            files[REFERENCE] = reference.save(folder / "reference.json")
            scores["confidence"] = reference.confidence()
        if recipe.to != "tflite":
            from .onnx_files import write_onnx

            written, told = write_onnx(
                model, bundle, recipe, shown, folder, int8=patches is not None, gate=gate
            )
            files |= written
            scores |= told
        if calibration is not None:
            files["calibration"] = folder / "calibration.json"
            names = json.dumps(fingerprint(calibration), indent=2) + "\n"
            files["calibration"].write_text(names, encoding="utf-8")
        if "card" in files:
            files["card"] = add_section(files["card"], out.name, scores, folder / "MODEL_CARD.md")
        stop_if_asked()
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
            history=[*(one for one in bundle.history if _matters(one)), step],
            force=force,
        )


def _models(
    model: Any,
    recipe: ExportRecipe,
    labels: Labels,
    patches: np.ndarray | None,
    faces: FaceSet | None,
    gate: FaceSet | None,
) -> tuple[dict[str, bytes], Made, dict[str, Any]]:
    """TFLite models by role, how int8 was made, and what the gate said."""
    say("converting to float.tflite")
    models, made = {"float": to_float(model)}, Made(b"")
    told: dict[str, Any] = {}
    if patches is not None:
        say(f"calibrating on {len(patches)} faces, converting to int8.tflite")
        rungs = Workshop(model, patches, recipe, labels, faces).rungs()
        if gate is not None and recipe.gate is not None:
            climbed: Climb = climb(rungs, models["float"], gate, recipe.gate)
            made, told["gate"] = climbed.made, climbed.to_json()
        else:
            name, made = first_made(rungs)
            told["rung"] = {"rung": name, "kept": list(made.kept)}
        models["int8"] = made.model
    return models, made, told


def _judges(
    bundle: Bundle, recipe: ExportRecipe, calibration: FaceSet | None, faces: FaceSet | None
) -> FaceSet | None:
    """Labelled faces that neither training nor calibration saw; a gate cannot do without."""
    if calibration is None or faces is None:
        return None
    try:
        return gate_faces(bundle, recipe, calibration, faces)
    except DataError as error:
        if recipe.gate is not None:
            raise
        say(f"nothing tells how sure the models may be: {error}")
        return None


def _kept(bundle: Bundle, folder: Path) -> dict[str, Path]:
    """What the new bundle takes over, copied now: an export may take hours."""
    files = {role: folder / bundle.files[role] for role in bundle.files if role not in _MADE}
    for role, path in files.items():
        path.write_bytes(bundle.read(role))
    return files


def _matters(step: Step) -> bool:
    """Whether a step changed the network; models of an earlier export are replaced."""
    return step.stage != "export" or bool(CHANGES & set(step.scores))
