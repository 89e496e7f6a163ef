"""Short trainings on drawn people, and trainings that are killed."""

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.synth import find_population
from edgefer.train.datasets.synth import import_synth
from edgefer.train.recipe import TrainRecipe

QUICK = TrainRecipe(
    width=8, depth=4, epochs=2, batch=64, dropout=0.1, warmup=0, precision="float32"
)


class Killed(Exception):
    """What ends a training here."""


def draw(out, population="base", *, size=48, people=10, takes=1, seed=0):
    """Drawn people, each with every emotion; what their faces do is in ``action_units.csv``."""
    drawn = find_population(population)
    with write_faceset(out, drawn.labels, size, source="test") as writer:
        import_synth(drawn, writer, people=people, takes=takes, seed=seed)
    return FaceSet.load(out)


def weights(bundle):
    from edgefer.keras import load_model

    return load_model(bundle.path("keras")).get_weights()


def checkpoints(folder, *, resume=False, dies_after=None):
    """Where a training keeps its state; it may be killed when so many epochs are kept."""
    from edgefer.train.checkpoints import Checkpoints

    class Dying(Checkpoints):
        def save(self, state, *rest):
            super().save(state, *rest)
            if state.epoch == dies_after:
                raise Killed

    return Dying(folder, {}, resume=resume, force=False)


def ended_alike(one, other):
    """Whether two trainings have the same state to the bit: weights, optimizer, log."""
    states = [np.load(folder / "state.npz") for folder in (one, other)]
    assert set(states[0]) == set(states[1])
    return all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
