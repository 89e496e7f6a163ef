"""Calibrate on one draw of faces after the other, judge each int8 model, and keep its answers."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from edgefer.errors import DataError, why
from edgefer.faceset import FaceSet
from edgefer.progress import console, say

from .recipe import StudyRecipe
from .select import Look, Pool, choose
from .trials import NOISE, OTHER_DOMAIN, OTHER_HALF, Trial

# Faces that a model is asked about at a time.
_STEP = 4096

Model = Callable[[np.ndarray], np.ndarray]
Quantize = Callable[[np.ndarray], Model]


@dataclass(frozen=True)
class Task:
    """One calibration: how to choose, how many faces, with which seed."""

    way: str
    size: int
    seed: int

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.way.replace(' ', '-')}-{self.size}-{self.seed}"


def tasks(recipe: StudyRecipe, pools: Mapping[str, Pool]) -> list[Task]:
    """Every calibration of a study, seed by seed."""
    room = pools[""].room
    ways = ["random", OTHER_HALF, "balanced", "spread", *filter(None, pools), NOISE]
    return [
        Task(way, size, recipe.seed + number)
        for number in range(recipe.seeds)
        for size in recipe.sizes
        for way in ways
        if way != OTHER_HALF or 2 * size <= room
    ]


def run(
    recipe: StudyRecipe,
    pools: Mapping[str, Pool],
    judged: FaceSet,
    quantize: Quantize,
    kept: Path,
    *,
    look: Look | None = None,
) -> list[Trial]:
    """Calibrate and judge, but for what is already kept in a folder.

    Parameters
    ----------
    recipe : StudyRecipe
        Seeds and sizes.
    pools : mapping of str to Pool
        What to choose from: ``""`` the domain's own faces, ``other domain`` those of another.
    judged : FaceSet
        Faces that every model is asked about, under its labels.
    quantize : callable
        From calibration faces, uint8 (N, S, S), to a model that names an emotion for each patch.
    kept : Path
        A folder with a file for each calibration.
    look : callable, optional
        What ``spread`` looks with.
    """
    everything = tasks(recipe, pools)
    done = {task: kept / f"{task.name}.json" for task in everything}
    left = [task for task in everything if not done[task].exists()]
    if len(left) < len(everything):
        say(f"{len(everything) - len(left)} of {len(everything)} calibrations are already done")
    say(f"{len(left)} calibrations to do, judged on {len(judged):,} faces")
    for seed, group in _by_seed(left):
        # Drawn between conversions only: the converter's standard error is held back meanwhile.
        with Progress(console=console(), transient=True, auto_refresh=False) as bar:
            step = bar.add_task(f"seed {seed}", total=len(group))
            for task in group:
                patches = _patches(task, pools, judged.size, look)
                answers = ask(quantize(patches), judged)
                text = json.dumps({"faces": len(patches), "answers": answers.tobytes().hex()})
                made = done[task].with_suffix(".part")
                made.write_text(text, encoding="utf-8")
                made.replace(done[task])
                bar.update(step, advance=1, refresh=True)
        say(f"seed {seed}: {len(group)} calibrations done")
    return [_read(task, path) for task, path in done.items()]


def chosen(task: Task, pools: Mapping[str, Pool], look: Look | None = None) -> FaceSet:
    """Faces of one calibration.

    ``random`` and ``other half`` are two halves of one draw, so they share no face.
    """
    if task.way in ("random", OTHER_HALF):
        pool = pools[""]
        both = choose(pool, 2 * task.size, way="random", seed=task.seed)
        half = both[task.size :] if task.way == OTHER_HALF else both[: task.size]
        return pool.faces.select(half)
    pool = pools[task.way if task.way == OTHER_DOMAIN else ""]
    way = "balanced" if task.way == OTHER_DOMAIN else task.way
    return pool.faces.select(choose(pool, task.size, way=way, seed=task.seed, look=look))


def _patches(task: Task, pools: Mapping[str, Pool], size: int, look: Look | None) -> np.ndarray:
    if task.way == NOISE:
        rng = np.random.default_rng([task.seed, task.size])
        return rng.integers(0, 256, (task.size, size, size), np.uint8)
    return chosen(task, pools, look).patches


def ask(model: Model, judged: FaceSet) -> np.ndarray:
    """Class ids that a model answers, uint8 (N,)."""
    steps = range(0, len(judged), _STEP)
    parts = [model(judged.take(np.arange(i, min(i + _STEP, len(judged))))) for i in steps]
    return np.concatenate(parts).astype(np.uint8)


def _by_seed(left: list[Task]) -> Iterator[tuple[int, list[Task]]]:
    for seed in sorted({task.seed for task in left}):
        yield seed, [task for task in left if task.seed == seed]


def _read(task: Task, path: Path) -> Trial:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        answers = np.frombuffer(bytes.fromhex(found["answers"]), np.uint8).astype(np.int64)
        return Trial(task.way, task.size, task.seed, int(found["faces"]), answers)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {why(error)}. Remove it, and go on.") from error
