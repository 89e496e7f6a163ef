"""Short trainings on drawn people."""

from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.synth import find_population
from edgefer.train.datasets.synth import import_synth
from edgefer.train.recipe import TrainRecipe

QUICK = TrainRecipe(width=8, epochs=2, batch=64, dropout=0.1, warmup=0, precision="float32")


def draw(out, population, people):
    drawn = find_population(population)
    with write_faceset(out, drawn.labels, 48, source="test") as writer:
        import_synth(drawn, writer, people=people, takes=2)
    return FaceSet.load(out)


def weights(bundle):
    from edgefer.keras import load_model

    return load_model(bundle.path("keras")).get_weights()
