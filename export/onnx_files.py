"""Write the ONNX files of a bundle, and say what to type for them on a Jetson."""

from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import FILES, Bundle
from edgefer.faceset import FaceSet

from .ladder import pass_gate
from .onnx_answers import onnx_answers
from .onnx_int8 import export_onnx_int8
from .onnx_model import export_onnx, trtexec
from .recipe import ExportRecipe

_INSTEAD = (
    "It has no other rungs: leave --int8 out, and TensorRT builds model.onnx in float16, or leave "
    "--to out for TFLite alone. "
)


def write_onnx(
    model: Any,
    bundle: Bundle,
    recipe: ExportRecipe,
    patches: np.ndarray,
    folder: Path,
    *,
    int8: bool,
    gate: FaceSet | None = None,
) -> tuple[dict[str, Path], dict[str, Any]]:
    """Write ``model.onnx``, and for TensorRT ``int8.onnx``.

    Parameters
    ----------
    model : keras.Model
        The network.
    bundle : Bundle
        What it is exported from.
    recipe : ExportRecipe
        ``to`` says for whom.
    patches : ndarray of uint8, shape (N, S, S)
        Faces on which ONNX Runtime must answer as the network does.
    folder : Path
        Where to write.
    int8 : bool
        Whether the patches are calibration faces, so that int8 may be made.
    gate : FaceSet, optional
        Faces on which ``int8.onnx`` must keep within the recipe's ``gate``, as int8 TFLite does.

    Returns
    -------
    dict of str to Path
        The files by role.
    dict
        What each holds, how far its answers are off, what the gate said, and the command, ready
        for JSON.

    Raises
    ------
    GateError
        If ``int8.onnx`` does not pass the gate.
    """
    data, found, check = export_onnx(model, bundle, patches, target=recipe.to)
    made = {"onnx": (data, found, check)}
    if int8 and recipe.to == "tensorrt-ready":
        made["onnx_int8"] = export_onnx_int8(data, patches)
    files: dict[str, Path] = {}
    told: dict[str, Any] = {}
    for role, (one, found, check) in made.items():
        files[role] = folder / FILES[role]
        files[role].write_bytes(one)
        told[role] = {**found.to_json(), "check": check.to_json()}
        if role == "onnx_int8" and gate is not None and recipe.gate is not None:
            judged = pass_gate(
                FILES[role], one, data, gate, recipe.gate, ask=onnx_answers, instead=_INSTEAD
            )
            told[role]["gate"] = judged.to_json()
        if recipe.to == "tensorrt-ready":
            told[role]["trtexec"] = trtexec(FILES[role], found)
    return files, told
