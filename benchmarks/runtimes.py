"""Measure the packaged model in LiteRT and in tflite-runtime: time for a face, and agreement.

    python benchmarks/runtimes.py FACESET [SPLIT]

Each runtime lives in an environment of its own (make setup); they take turns, three times each.
"""

import json
import subprocess
from pathlib import Path

import click
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = {
    "LiteRT": ROOT / ".venv" / "bin" / "python",
    "tflite-runtime": ROOT / ".venv-tflite" / "bin" / "python",
}
ROUNDS = 3
PROGRAM = """
import json, sys, time
from pathlib import Path
from edgefer.bundle import Bundle
from edgefer.edge.classifier import Classifier
from edgefer.faceset import FaceSet
patches = FaceSet.load(Path(sys.argv[1])).split(sys.argv[2]).patches
told = {}
for role in ("float", "int8"):
    classifier, times = Classifier(Bundle.load(), role), []
    for patch in patches[:300]:
        start = time.perf_counter()
        classifier(patch[None])
        times.append(1000 * (time.perf_counter() - start))
    answers = classifier(patches).argmax(axis=1).tolist()
    told[role] = {"ms": sorted(times)[len(times) // 2], "answers": answers}
print(json.dumps(told))
"""


@click.command()
@click.argument("faceset", type=click.Path(path_type=Path))
@click.argument("split", default="val")
def main(faceset: Path, split: str) -> None:
    """Print one row per runtime and model."""
    told: dict[str, list[dict[str, dict[str, object]]]] = {name: [] for name in PYTHONS}
    for _ in range(ROUNDS):
        for name, python in PYTHONS.items():
            command = [python, "-c", PROGRAM, faceset, split]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            told[name].append(json.loads(done.stdout))
    reference = np.median([run["float"]["ms"] for run in told["LiteRT"]])
    print("runtime         model   ms a face   of LiteRT float   same answer as LiteRT")
    for name, runs in told.items():
        for role in ("float", "int8"):
            ms = np.median([run[role]["ms"] for run in runs])
            pairs = (told["LiteRT"][0][role]["answers"], runs[0][role]["answers"])
            same = np.mean(np.equal(*pairs))
            print(f"{name:15} {role:6}{ms:11.2f}{ms / reference:18.2f}{100 * same:22.1f} %")


if __name__ == "__main__":
    main()
