"""Table of exported bundles: accuracy, cost and time, as in docs/models.md.

    python benchmarks/models.py FACESET BUNDLE... [--split val]

Accuracies are those of `edgefer compare` on the same split: of all faces, of those that training
has not seen, and against what most annotators voted. Times are of one face at a time on one thread,
the models taking turns; the ratio is to the first bundle's int8.
"""

import json
import time
from pathlib import Path

import click
import numpy as np

from edgefer.bundle import Bundle
from edgefer.edge.classifier import Classifier
from edgefer.edge.compare import speak
from edgefer.faceset import FaceSet
from edgefer.seen import Seen

ROUNDS, CALLS = 20, 25
COLUMNS = (
    "bundle",
    "parameters",
    "MMAC",
    "int8 file",
    "float %",
    "int8 %",
    "unseen %",
    "votes %",
    "float ms",
    "int8 ms",
    "ratio",
)


@click.command()
@click.argument("faceset", type=click.Path(path_type=Path))
@click.argument("bundles", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--split", default="val", show_default=True)
def main(faceset: Path, bundles: tuple[Path, ...], split: str) -> None:
    """Print one row per bundle."""
    opened = [Bundle.load(path) for path in bundles]
    faces = FaceSet.load(faceset).split(split)
    models = {
        (i, role): Classifier(bundle, role)
        for i, bundle in enumerate(opened)
        for role in ("float", "int8")
    }
    times = timed(models, faces.patches[: ROUNDS * CALLS])
    first = times[0, "int8"]
    print(f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 1)}")
    for i, bundle in enumerate(opened):
        judged = speak(faces, bundle, {}, split)
        answers = {
            role: models[i, role](judged.patches).argmax(axis=1) for role in ("float", "int8")
        }
        audit = json.loads(bundle.read("audit"))["int8"]
        seen = Seen.load(bundle)
        new = np.ones(len(judged), bool) if seen is None else ~seen.has_faces(judged)
        voted = judged.votes.any(axis=1)
        right = answers["int8"] == judged.targets
        cells = [
            bundle.name,
            f"{audit['parameters']:,}",
            f"{audit['macs'] / 1e6:.0f}",
            f"{len(bundle.read('int8')) / 1e6:.2f} MB",
            percent(answers["float"] == judged.targets),
            percent(right),
            percent(right[new]),
            percent((answers["int8"] == judged.votes.argmax(axis=1))[voted]),
            f"{times[i, 'float']:.2f}",
            f"{times[i, 'int8']:.2f}",
            f"{times[i, 'int8'] / first:.2f}",
        ]
        print(f"| {' | '.join(cells)} |")


def timed(
    models: dict[tuple[int, str], Classifier], patches: np.ndarray
) -> dict[tuple[int, str], float]:
    """Median milliseconds a face, the models taking turns."""
    found: dict[tuple[int, str], list[float]] = {key: [] for key in models}
    for start in range(0, len(patches), CALLS):
        for key, model in models.items():
            for patch in patches[start : start + CALLS]:
                before = time.perf_counter()
                model(patch[None])
                found[key].append(1000 * (time.perf_counter() - before))
    return {key: float(np.median(each)) for key, each in found.items()}


def percent(right: np.ndarray) -> str:
    """Share in percent; nothing where there are no faces."""
    return f"{100 * right.mean():.1f}" if len(right) else ""


if __name__ == "__main__":
    main()
