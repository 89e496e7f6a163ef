"""What stages that join in one by one are worth against all at once and against none.

    python benchmarks/thawing.py work/thawing

A network of one drawn population is carried over to the other one, in each way with each seed.
Judged are people that nothing was trained on: the new emotions, and what is left of the old ones.
"""

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from transfer import draw

from edgefer.keras import load_model
from edgefer.train.base import train_base
from edgefer.train.fit import score
from edgefer.train.recipe import TrainRecipe
from edgefer.train.transfer import train_transfer

WAYS = {
    "head only": {"frozen": 4},
    "all at once": {},
    "head, then all": {"head": 2},
    "stage by stage": {"head": 2, "thaw": 2},
    "and fading": {"head": 2, "thaw": 2, "fade": 0.7},
    "and replay": {"head": 2, "thaw": 2, "fade": 0.7, "replay": 0.5},
}


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--people", default=30, show_default=True, help="To carry over to.")
@click.option("--seeds", default=3, show_default=True)
def main(out: Path, people: int, seeds: int) -> None:
    """Draw, train, transfer, judge, print."""
    old = draw(out / "base", "base", 100, 0)
    new = draw(out / "korean", "korean", people, 0)
    judge = draw(out / "judges", "korean", 100, 1)
    recipe = TrainRecipe(width=16, epochs=14, warmup=2, patience=0)
    base = train_base(old, recipe, out / "model", force=True)
    found: dict[str, list[list[float]]] = {}
    for seed in range(seeds):
        for way, choices in WAYS.items():
            chosen = replace(recipe, rate=1e-3, warmup=1, seed=seed, **choices)
            folder = out / way.replace(" ", "-").replace(",", "")
            made = train_transfer(base, new, chosen, folder, old=old, force=True)
            read = score(load_model(made.path("keras")), judge)
            last = made.history[-1].scores
            before, after = (last[f"old {when}"]["val"]["accuracy"] for when in ("before", "after"))
            row = [*read.recall, read.accuracy, after - before]
            found.setdefault(way, []).append([100 * value for value in row])
    titles = (*judge.labels.names, "all", "old, points")
    print(f"\n{'% recognized':16}{''.join(f'{title:>13}' for title in titles)}  all, by seed")
    for way, rows in found.items():
        cells = "".join(f"{value:13.1f}" for value in np.mean(rows, axis=0))
        print(f"{way:16}{cells}  {', '.join(f'{row[-2]:.1f}' for row in rows)}")


if __name__ == "__main__":
    main()
