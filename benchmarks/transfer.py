"""Measure what a model of one drawn population loses on the other, and what transfer wins back.

    python benchmarks/transfer.py work/transfer

Judged are people that nothing was trained on, on the four emotions that both populations show.
"""

from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.keras import load_model
from edgefer.labels import translate
from edgefer.synth import find_population
from edgefer.train.base import train_base
from edgefer.train.datasets.synth import import_synth
from edgefer.train.recipe import TrainRecipe
from edgefer.train.transfer import shared_scores, train_transfer


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--people", default=100, show_default=True, help="Of each population, to train on.")
def main(out: Path, people: int) -> None:
    """Draw, train, transfer, judge, print."""
    faces = {name: draw(out / name, name, people, 0) for name in ("base", "korean")}
    judges = {name: draw(out / f"{name}-judges", name, 100, 1) for name in faces}
    recipe = TrainRecipe(width=16, epochs=14, warmup=2)
    base = train_base(faces["base"], recipe, out / "base-model", force=True)
    recipe = replace(recipe, epochs=14, rate=1e-3, warmup=1)
    after = train_transfer(base, faces["korean"], recipe, out / "model", force=True)
    shared = sorted(set(base.labels.names) & set(after.labels.names))
    rows = (
        ("base on base", base, judges["base"]),
        ("base on korean", base, judges["korean"]),
        ("after transfer on korean", after, judges["korean"]),
    )
    print(f"\n{'% recognized':26}{''.join(f'{name:>9}' for name in shared)}{'mean':>9}")
    for title, bundle, judge in rows:
        meaning = translate(bundle.labels, judge.labels)
        scores = shared_scores(load_model(bundle.path("keras")), judge, meaning)
        (recall,) = (split["recall"] for split in scores.values())
        values = [recall[name] for name in shared]
        cells = "".join(f"{100 * value:9.1f}" for value in (*values, np.mean(values)))
        print(f"{title:26}{cells}")


def draw(out: Path, population: str, people: int, seed: int) -> FaceSet:
    """Faces of a population; those of seed 1 are all judges."""
    drawn = find_population(population)
    with write_faceset(out, drawn.labels, 48, source="drawn", force=True) as writer:
        import_synth(drawn, writer, people=people, takes=5, seed=seed)
    faces = FaceSet.load(out)
    return faces if seed == 0 else replace(faces, splits=np.full(len(faces), "test", object))


if __name__ == "__main__":
    main()
