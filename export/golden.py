"""Make the golden vectors of a bundle: drawn faces, a ramp, and what each model answers to them."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from ai_edge_litert.interpreter import OpResolverType

from edgefer.golden import Golden
from edgefer.synth import POPULATIONS, action_units, draw_person, face_patch

from .calibration import ramp
from .check import answers

FACES = 7
_EACH = 4  # drawn of each emotion of each population, to choose from

# How far a probability may be on runtimes with the same kernels, and on accelerated ones. Float:
# 2e-6 between the kernels, .008 in half precision (bfloat16, .060, is refused). Int8: no step
# between LiteRT's own kernels and tflite-runtime, on x86-64 or ARM, one step where dense layers
# have a scale for each output; 9/256 between them and XNNPACK on drawn faces, 15/256 on FER2013's.
_FLOAT = (0.001, 0.02)
_INT8 = (2 / 256, 24 / 256)
_WIDEST = 0.25
# An answer of 1.00 would stay 1.00 on a runtime that computes badly; one of .60 and .10 moves.
_BEST = 0.5


def make_golden(models: Mapping[str, bytes], size: int) -> Golden:
    """Draw faces, choose those that a bundle's models answer clearly, and note the answers.

    Parameters
    ----------
    models : mapping of str to bytes
        TFLite files by role.
    size : int
        Side of their patches, in pixels.

    Returns
    -------
    Golden
        `FACES` drawn faces of as many emotions as may be, and the ramp; the same for the same
        models.

    Raises
    ------
    BundleError
        If LiteRT cannot run a model.
    """
    pool = drawn_faces(size)
    fast = {role: answers(model, pool) for role, model in models.items()}
    chosen = pool[_choose(fast)]
    patches = np.concatenate([chosen, ramp(size)])
    exact = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    given, tolerances = {}, {}
    for role, model in models.items():
        given[role] = answers(model, patches, exact)
        near, far = _FLOAT if role == "float" else _INT8
        # A deep network may move XNNPACK further; one that is this far off computes badly.
        moved = np.abs(given[role] - answers(model, patches)).max()
        tolerances[role] = near, min(_WIDEST, max(far, 1.5 * float(moved)))
    return Golden(patches, given, tolerances)


@cache
def drawn_faces(size: int) -> np.ndarray:
    """Faces to choose from, uint8 (N, S, S), the same ones every time."""
    rng = np.random.default_rng(0)
    faces = [
        face_patch(rng, people, draw_person(rng, people), action_units(rng, people, emotion), size)
        for people in POPULATIONS.values()
        for emotion in people.labels.names
        for _ in range(_EACH)
    ]
    return np.stack(faces)


def _choose(answers: Mapping[str, np.ndarray]) -> list[int]:
    """Positions of faces that every model answers clearly, different emotions first.

    Clear is a first answer that is further above the second than two runtimes within the tolerance
    can bring it down; such a face must be given the same emotion everywhere.
    """
    clear = np.ones(len(next(iter(answers.values()))), bool)
    miss = np.zeros(len(clear))
    for role, given in answers.items():
        best = np.sort(given, axis=1)
        margin = best[:, -1] - best[:, -2]
        # Once more than the tolerance: these answers are XNNPACK's, off by as much themselves.
        clear &= margin > 3 * (_FLOAT if role == "float" else _INT8)[1]
        miss = np.maximum(miss, np.abs(margin - _BEST))
    named = next(iter(answers.values())).argmax(axis=1)
    order = sorted(range(len(clear)), key=lambda i: (not clear[i], miss[i], i))
    seen: dict[int, int] = {}
    turn = []
    for i in order:
        turn.append((not clear[i], seen.setdefault(int(named[i]), 0)))
        seen[int(named[i])] += 1
    return [i for _, i in sorted(zip(turn, order, strict=True), key=lambda pair: pair[0])][:FACES]
