"""How fast training is: the loop against the bare step, and bfloat16 against float32.

python benchmarks/train_step.py work/fer [--width 32] [--depth 8] [--batch 128] [--steps 60]

The bare step is fitted to one batch that lies in memory; the loop reads, augments and weighs faces
as a training does. The rounds take turns, as other work on the machine comes and goes; the median
of their ratios counts.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click

from edgefer.faceset import FaceSet
from edgefer.keras import keras, tf, with_policy
from edgefer.train.base import build_network
from edgefer.train.optimizer import loss_of, optimizer_of
from edgefer.train.pipeline import training_batches
from edgefer.train.recipe import TrainRecipe
from edgefer.train.targets import soft_targets

# All that the pipeline can do at once.
HEAVY = {"shear": 0.1, "noise": 5.0, "erase": 0.3, "mixup": 0.2, "cutmix": 1.0}


def trainer(faces: FaceSet, recipe: TrainRecipe, policy: str) -> Any:
    """A network that is ready to be fitted."""
    model = with_policy(build_network(recipe, len(faces.labels), faces.size), policy)
    model.compile(optimizer_of(recipe, 1, policy), loss=loss_of(recipe), metrics=["accuracy"])
    return model


def seconds(work: Callable[[], object]) -> float:
    """Time that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@click.command()
@click.argument("faceset", type=click.Path(path_type=Path))
@click.option("--width", default=32, show_default=True)
@click.option("--depth", default=8, show_default=True)
@click.option("--batch", default=128, show_default=True)
@click.option("--steps", default=60, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(faceset: Path, width: int, depth: int, batch: int, steps: int, rounds: int) -> None:
    """Compare, in one run."""
    faces = FaceSet.load(faceset).split("train")
    plain = TrainRecipe(width=width, depth=depth, batch=batch)
    targets = soft_targets(faces, plain)
    recipes = {"default": plain, "everything": replace(plain, **HEAVY)}
    print(f"TensorFlow {tf.__version__}, vgg of width {width} and depth {depth}, batch {batch}")
    fits: dict[tuple[str, str], Callable[[], object]] = {}
    for policy in ("float32", "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        model = trainer(faces, plain, policy)
        first = next(iter(training_batches(faces, plain, targets, 0)))
        feeds = {"bare step": tf.data.Dataset.from_tensors(first).repeat(steps)} | {
            name: training_batches(faces, recipe, targets, 0).take(steps)
            for name, recipe in recipes.items()
        }
        for name, feed in feeds.items():
            model.fit(feed.take(3), verbose=0)
            fits[policy, name] = partial(model.fit, feed, verbose=0)
    times: dict[tuple[str, str], list[float]] = {key: [] for key in fits}
    for _ in range(rounds):
        for key, work in fits.items():
            times[key].append(seconds(work))
    print(f"{'':16}{'augmentation':14}{'faces/s':>9}{'share of the bare step':>24}")
    for (policy, name), took in times.items():
        bare = times[policy, "bare step"]
        share = median(before / now for before, now in zip(bare, took, strict=True))
        print(f"{policy:16}{name:14}{steps * batch / median(took):9.0f}{share:24.2f}")
    ratio = median(
        before / now
        for before, now in zip(
            times["float32", "default"], times["mixed_bfloat16", "default"], strict=True
        )
    )
    print(f"mixed_bfloat16 trains {ratio:.2f} times as fast as float32")


if __name__ == "__main__":
    main()
