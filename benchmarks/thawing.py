"""What stages that join in one by one are worth against all at once and against none.

    python benchmarks/thawing.py work/thawing

A network of one drawn population is carried over to the other one, in each way with each seed.
Judged are people that nothing was trained on: the new emotions, and what is left of the old ones.
"""

import argparse
from dataclasses import replace
from pathlib import Path

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


def main() -> None:
    """Draw, train, transfer, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=30, help="to carry over to")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    old = draw(options.out / "base", "base", 100, 0)
    new = draw(options.out / "korean", "korean", options.people, 0)
    judge = draw(options.out / "judges", "korean", 100, 1)
    recipe = TrainRecipe(width=16, epochs=14, warmup=2, patience=0)
    base = train_base(old, recipe, options.out / "model", force=True)
    found: dict[str, list[list[float]]] = {}
    for seed in range(options.seeds):
        for way, choices in WAYS.items():
            chosen = replace(recipe, rate=1e-3, warmup=1, seed=seed, **choices)
            out = options.out / way.replace(" ", "-").replace(",", "")
            made = train_transfer(base, new, chosen, out, old=old, force=True)
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
