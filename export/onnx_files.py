"""Write the ONNX files of a bundle, and say what to type for them on a Jetson."""

from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import FILES, Bundle

from .onnx_int8 import export_onnx_int8
from .onnx_model import export_onnx, trtexec
from .recipe import ExportRecipe


def write_onnx(
    model: Any,
    bundle: Bundle,
    recipe: ExportRecipe,
    patches: np.ndarray,
    folder: Path,
    *,
    int8: bool,
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

    Returns
    -------
    dict of str to Path
        The files by role.
    dict
        What each holds, how far its answers are off, and the command, ready for JSON.
    """
    data, found, check = export_onnx(model, bundle, patches, target=recipe.to)
    made = {"onnx": (data, found, check)}
    if int8 and recipe.to == "tensorrt-ready":
        made["onnx_int8"] = export_onnx_int8(data, patches)
    files, told = {}, {}
    for role, (data, found, check) in made.items():
        files[role] = folder / FILES[role]
        files[role].write_bytes(data)
        told[role] = {**found.to_json(), "check": check.to_json()}
        if recipe.to == "tensorrt-ready":
            told[role]["trtexec"] = trtexec(FILES[role], found)
    return files, told
