"""Change a network before it is quantized: thinner, sparse, of few different weights."""

from typing import Any

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.progress import say
from edgefer.report import Score

from .convert import to_float, to_int8
from .recipe import ExportRecipe

# Scores of a step that left the network otherwise than it was.
CHANGES = {"thinner", "sparsity", "clusters"}


def reshape(
    model: Any, faces: FaceSet | None, recipe: ExportRecipe, patches: np.ndarray | None
) -> tuple[Any, dict[str, Any]]:
    """Prune and cluster as a recipe says.

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    faces : FaceSet, optional
        What is trained on; needed where anything is to change.
    recipe : ExportRecipe
        ``macs`` or ``latency``, then ``sparsity``, then ``clusters``.
    patches : ndarray of uint8, shape (N, S, S), optional
        Calibration faces: with them the time that counts is that of int8.

    Returns
    -------
    model : keras.Model
        The same if nothing was asked for.
    told : dict
        What each step did, by its name, ready for JSON.
    """
    told: dict[str, Any] = {}
    if faces is None:
        return model, told
    # Only here: TensorFlow's optimization toolkit takes two seconds to import.
    if recipe.macs or recipe.latency:
        from .prune import prune

        def convert(thin: Any) -> bytes:
            return to_float(thin) if patches is None else to_int8(thin, patches[:8])

        thinner = prune(model, faces, recipe, convert=convert)
        model = thinner.model
        told["thinner"] = {
            "widths": thinner.widths,
            "macs": thinner.macs,
            "milliseconds": thinner.milliseconds,
            **_scores("cutting channels", thinner.before, thinner.after),
        }
    if recipe.sparsity:
        from .sparse import sparsify

        sparse = sparsify(model, faces, recipe)
        model = sparse.model
        told["sparsity"] = {
            "layers": sparse.layers,
            "left_out": list(sparse.left_out),
            **_scores("pruning weights", sparse.before, sparse.after),
        }
    if recipe.clusters:
        from .cluster import cluster

        shared = cluster(model, faces, recipe)
        model = shared.model
        told["clusters"] = {
            "layers": shared.layers,
            **_scores("clustering", shared.before, shared.after),
        }
    return model, told


def _scores(step: str, before: Score | None, after: Score | None) -> dict[str, Any]:
    if before is None or after is None:
        return {}
    say(f"val {before.accuracy:.3f} before {step}, {after.accuracy:.3f} after")
    return {"before": before.to_json(), "after": after.to_json()}
