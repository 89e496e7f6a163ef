"""Teach a small network what large ones answer."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from edgefer.bundle import Bundle
from edgefer.errors import EdgeferError
from edgefer.faceset import FaceSet
from edgefer.keras import load_model
from edgefer.progress import say

from .base import build_network, spelled_out, train_bundle
from .checkpoints import State
from .ensemble import require_alike, seen_by
from .fit import chances
from .recipe import TrainRecipe


def train_distill(
    teachers: Sequence[Bundle],
    faces: FaceSet,
    recipe: TrainRecipe,
    out: Path,
    *,
    report: Callable[[State], None] | None = None,
    resume: bool = False,
    force: bool = False,
) -> Bundle | None:
    """Train a network on labels and on the answers of others.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015. The answers are
    those for each face as it is and mirrored, averaged over the teachers and softened; they are
    asked once, not for every augmented picture.

    Parameters
    ----------
    teachers : sequence of Bundle
        One or more with the face set's labels and size.
    faces : FaceSet
        What to learn from; needs the splits ``train`` and ``val``.
    recipe : TrainRecipe
        Its ``taught`` and ``temperature`` say how much of the target the answers are, and how soft.
    out : Path
        The bundle to be.
    report, resume, force
        As for `edgefer.train.base.train_base`.

    Raises
    ------
    EdgeferError
        If no share of the target is taught, or a teacher does not fit.
    """
    require_alike(teachers, faces)
    if not recipe.taught:
        raise EdgeferError("--taught is 0: nothing would be learned from the teachers. Try 0.7.")
    recipe = spelled_out(recipe)
    return train_bundle(
        build_network(recipe, len(faces.labels), faces.size),
        faces,
        recipe,
        out,
        stage="train distill",
        start={f"teacher {i}": bundle.digest for i, bundle in enumerate(teachers, 1)},
        seen=seen_by(teachers),
        teach=lambda train: ask(teachers, train, recipe.temperature),
        report=report,
        resume=resume,
        force=force,
    )


def ask(teachers: Sequence[Bundle], faces: FaceSet, temperature: float = 1.0) -> np.ndarray:
    """Answers of teachers for faces, float32 (N, K), rows summing to 1.

    A temperature above 1 softens each teacher's answer: p ** (1 / T), normalized.
    """
    found = np.zeros((len(faces), len(faces.labels)))
    for bundle in teachers:
        say(f"asking {bundle.folder}")
        model = load_model(bundle.path("keras"))
        for mirrored in (False, True):
            soft = chances(model, faces, mirrored=mirrored).astype(np.float64) ** (1 / temperature)
            found += soft / soft.sum(axis=1, keepdims=True)
    return np.asarray(found / (2 * len(teachers)), np.float32)
