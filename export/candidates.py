"""Export one network in several ways, and judge each on the same faces."""

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from edgefer.bundle import Bundle, versions
from edgefer.errors import BundleError, EdgeferError
from edgefer.faceset import FaceSet
from edgefer.folders import new_folder, refuse
from edgefer.interrupts import stop_if_asked
from edgefer.keras import load_model
from edgefer.metadata import About
from edgefer.preprocess import PREPROCESS
from edgefer.progress import say
from edgefer.report import Comparison

from .audit import audit
from .candidate import NAMES, Candidate, Candidates
from .candidates_page import to_html
from .convert import to_dynamic, to_float, to_float16
from .ladder import Made, answer
from .latency import milliseconds
from .metadata import add_metadata
from .recipe import ExportRecipe
from .require import fits, gate_faces, no_training, require
from .reshape import reshape
from .rungs import Workshop

MARKER = "candidates.json"


def compare_candidates(
    bundle: Bundle,
    recipe: ExportRecipe,
    names: str,
    out: Path,
    *,
    calibration: FaceSet,
    faces: FaceSet,
    force: bool = False,
) -> Candidates:
    """Export a network in several ways, judge each on the same faces, and write a page.

    Parameters
    ----------
    bundle : Bundle
        Holds the Keras model.
    recipe : ExportRecipe
        How it is pruned before, if at all, and how it is trained for int8; ``gate_split`` judges.
    names : str
        ``all``, or names of `NAMES` with commas between.
    out : Path
        The folder to be: ``candidates.json``, ``candidates.html``, and every model.
    calibration, faces : FaceSet
        As for `edgefer.export.pack.export_bundle`.
    force : bool
        Replace such a folder that is there.

    Raises
    ------
    EdgeferError
        If a name is not known, or something is missing.
    """
    wanted = _wanted(names)
    refuse(out, MARKER, force=force)
    asked = {**asdict(recipe), "int8": True, "keep": tuple(recipe.keep)}
    require(bundle, ExportRecipe(**asked), calibration, faces)
    judged = gate_faces(bundle, recipe, calibration, faces)
    for given in (calibration, faces):
        given.verify()
    whole = load_model(bundle.path("keras"))
    fits(whole, bundle)
    model, _ = reshape(whole, faces, recipe, calibration.patches)
    shop = Workshop(model, calibration.patches, recipe, bundle.labels, faces)
    ways: dict[str, Callable[[], Made]] = {
        "float": lambda: Made(to_float(whole)),
        "float, reshaped": lambda: Made(to_float(model)),
        "float16": lambda: Made(to_float16(model)),
        "dynamic": lambda: Made(to_dynamic(model)),
        "int8": shop.int8,
        "corrected": shop.corrected,
        "mixed": lambda: shop.mixed(tuple(layer.name for layer in shop.ranking[:2])),
        "qat": shop.qat,
    }
    reason = no_training(faces, recipe, bundle.labels)
    if reason and "qat" in wanted:
        say(f"qat is left out: {reason}")
        del ways["qat"]
    made: dict[str, Made] = {}
    for name, make in ways.items():
        if name in wanted or (name == "float, reshaped" and model is not whole):
            stop_if_asked()
            say(f"making {name}")
            looked = None if name.startswith("float") else calibration.digest
            about = About(
                bundle.labels, bundle.size, PREPROCESS, _stem(name), looked, bundle.digest
            )
            try:
                one = make()
                made[name] = replace(one, model=add_metadata(one.model, about))
            except BundleError as error:
                say(f"{name} cannot be made: {error}")
    found = Candidates(
        bundle.name,
        faces.folder.resolve().name,
        recipe.gate_split,
        bundle.labels,
        _judged(made, judged),
        {
            "bundle_digest": bundle.digest,
            "faceset_digest": faces.digest,
            "calibration_digest": calibration.digest,
            "recipe": asdict(recipe),
            "versions": versions("tensorflow", "tf-keras", "ai-edge-litert", "numpy"),
            "machine": f"{platform.system()} {platform.machine()}",
            "when": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        },
    )
    with new_folder(out, MARKER, force=force) as folder:
        for name, each in made.items():
            (folder / f"{_stem(name)}.tflite").write_bytes(each.model)
        text = json.dumps(found.to_json(), ensure_ascii=False, indent=2) + "\n"
        (folder / MARKER).write_text(text, encoding="utf-8")
        (folder / "candidates.html").write_text(to_html(found), encoding="utf-8")
    return found


def _stem(name: str) -> str:
    """Name of a candidate's file."""
    return name.replace(", ", "-")


def _wanted(names: str) -> set[str]:
    """Names that were typed; float is always among them, the others are compared with it."""
    asked = list(NAMES) if names == "all" else [name.strip() for name in names.split(",")]
    unknown = [name for name in asked if name not in NAMES]
    if unknown:
        raise EdgeferError(
            f"--candidates {', '.join(unknown)} is not known. Name all, or some of "
            f"{','.join(NAMES)}."
        )
    return {"float", *asked}


def _judged(made: Mapping[str, Made], faces: FaceSet) -> tuple[Candidate, ...]:
    say(f"judging {len(made)} models on {len(faces)} faces")
    answers: dict[str, np.ndarray] = {name: answer(one.model, faces) for name, one in made.items()}
    times = milliseconds({name: one.model for name, one in made.items()})
    found = []
    for name, one in made.items():
        compared = Comparison.of(
            faces.labels,
            faces.targets,
            answers["float"],
            answers[name],
            bundle=name,
            faceset="",
            persons=faces.persons,
        )
        held = audit(one.model)
        found.append(
            Candidate(
                name,
                held.bytes,
                held.gzipped,
                held.macs,
                times[name],
                compared.overall,
                compared.drops,
                one.kept,
            )
        )
    return tuple(found)
