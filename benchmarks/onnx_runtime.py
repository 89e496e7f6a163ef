"""Measure a packaged model as ONNX and as TFLite: time for a face, score, and agreement.

    python benchmarks/onnx_runtime.py FACESET CALIBRATION [BUNDLE]

One face at a time on one thread; the models take turns. The split ``val`` judges.
"""

import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

from edgefer.bundle import Bundle
from edgefer.edge.classifier import Classifier
from edgefer.export.onnx_answers import load
from edgefer.export.onnx_int8 import to_onnx_int8
from edgefer.export.onnx_model import to_onnx
from edgefer.faceset import FaceSet
from edgefer.keras import load_model

ROUNDS, FACES = 5, 200


def onnx(data: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """From patches, uint8 (N, S, S), to probabilities on ONNX Runtime."""
    session = load(data)
    return lambda patches: session.run(None, {"faces": patches[:, None].astype(np.float32)})[0]


@click.command()
@click.argument("faceset", type=click.Path(path_type=Path))
@click.argument("calibration", type=click.Path(path_type=Path))
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
def main(faceset: Path, calibration: Path, bundle: Path | None) -> None:
    """Print one row per model."""
    opened = Bundle.load(bundle)
    val = FaceSet.load(faceset).split("val")
    data = to_onnx(load_model(opened.path("keras")), planes=True)
    asked: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "LiteRT float": Classifier(opened, "float"),
        "LiteRT int8": Classifier(opened, "int8"),
        "ONNX float": onnx(data),
        "ONNX int8": onnx(to_onnx_int8(data, FaceSet.load(calibration).patches)),
    }
    times: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        for name, answer in asked.items():
            for patch in val.patches[:FACES]:
                start = time.perf_counter()
                answer(patch[None])
                times[name].append(time.perf_counter() - start)
    given = {name: answer(val.patches).argmax(axis=1) for name, answer in asked.items()}
    print("model           time, of LiteRT float   score   same answer as LiteRT float")
    for name, answers in given.items():
        ratio = np.median(times[name]) / np.median(times["LiteRT float"])
        score = np.mean(answers == val.targets)
        same = np.mean(answers == given["LiteRT float"])
        print(f"{name:14}{ratio:24.2f}{score:8.3f}{100 * same:28.1f} %")


if __name__ == "__main__":
    main()
