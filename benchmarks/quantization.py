"""What helps int8, and what does not: ways to quantize a network, judged on the same faces.

    python benchmarks/quantization.py FACESET CALIBRATION [--bundle default] [--split val]

Rows are drops against the float model in points, with their 95 % interval; changed: faces answered
otherwise than by the float model, in LiteRT and with its kernels of tflite-runtime; distance: mean
difference of the probabilities; worst: the emotion that loses most. The second table is of the same
network with one channel a thousand times too large and the weights that read it as much too small:
in float it answers the same.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from bias import correct_bias

from edgefer.bundle import Bundle
from edgefer.edge.backends import open_backend
from edgefer.export.channels import Network
from edgefer.export.check import Check, answers
from edgefer.export.convert import to_float
from edgefer.export.equalize import equalize
from edgefer.export.mixed import Calibrated
from edgefer.export.ranges import with_ranges
from edgefer.export.rounding import round_first
from edgefer.export.sensitivity import measured
from edgefer.faceset import FaceSet
from edgefer.keras import load_model
from edgefer.report import Comparison

FACTOR = 1000.0


def main() -> None:
    """Quantize in each way, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faceset", type=Path)
    parser.add_argument("calibration", type=Path)
    parser.add_argument("--bundle", type=Path, default=Path("default"))
    parser.add_argument("--split", default="val")
    options = parser.parse_args()
    bundle = Bundle.load(options.bundle)
    faces = FaceSet.load(options.faceset).split(options.split)
    patches = FaceSet.load(options.calibration).patches
    model = load_model(bundle.path("keras"))
    before = answers(to_float(model), faces.patches)
    for title, network in ((bundle.name, model), (f"{bundle.name}, collapsing", collapse(model))):
        print(f"\n{title} on {len(faces):,} faces of {options.split}\n")
        print(
            f"| {'way':34} | drop, points | 95 % interval | changed | builtin | distance | worst |"
        )
        print("| --- | ---: | --- | ---: | ---: | ---: | --- |")
        for way, data in ways(network, patches):
            after = answers(data, faces.patches)
            check = Check.of(before, after)
            other = open_backend("builtin", data, threads=2)(faces.patches).argmax(axis=1)
            found = Comparison.of(
                bundle.labels,
                faces.targets,
                before.argmax(axis=1),
                after.argmax(axis=1),
                bundle=title,
                faceset=faces.folder.name,
            )
            whole, worst = found.overall, max(found.drops, key=lambda row: row.drop)
            print(
                f"| {way:34} | {100 * whole.drop:+.2f} | {100 * whole.low:+.2f} to "
                f"{100 * whole.high:+.2f} | {whole.changed} | "
                f"{(other != before.argmax(axis=1)).sum()} | {check.mean:.5f} | "
                f"{worst.emotion} {100 * worst.drop:+.2f} |",
                flush=True,
            )


def ways(model: Any, patches: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """Names of ways, and the TFLite model that each makes of a network."""
    plain = Calibrated.of(model, patches)
    yield "int8", plain.quantize()
    yield "int8, a scale for each dense output", plain.quantize(per_channel_dense=True)
    for share in (0.999, 0.9999):
        cut = with_ranges(plain, patches, choose=percentile(share), choose_scores=extremes)
        yield f"ranges cut at {100 * share:g} %", cut.quantize()
    yield "ranges of least error", with_ranges(plain, patches).quantize()
    yield "bias correction", Calibrated.of(correct_bias(model, patches), patches).quantize()
    yield "first weights rounded", Calibrated.of(round_first(model, patches), patches).quantize()
    for strength in (0.25, 0.5, 0.75, 1.0):
        other = equalize(model, patches, strength=strength)
        yield f"equalization of {strength:g}", Calibrated.of(other, patches).quantize()
    for strength in (0.0, 0.5, 0.75):
        other = equalize(model, patches, strength=strength) if strength else model
        other = round_first(other, patches)
        name = f"equalization of {strength:g}, rounded, ranges"
        yield name, with_ranges(Calibrated.of(other, patches), patches).quantize()
        other = correct_bias(other, patches)
        network = Calibrated.of(other, patches)
        yield "  and bias correction", with_ranges(network, patches).quantize()
    ranked = [layer.name for layer in measured(plain, patches).layers]
    for count in (1, 2, 4):
        yield f"{count} most sensitive in float", plain.quantize(ranked[:count])


def collapse(model: Any) -> Any:
    """Same answers in float, with one channel of the network's third group far too large."""
    group = [each for each in Network.of(model).channels if each.scalable and each.scalers][2]
    broken = model.__class__.from_config(model.get_config())
    broken.set_weights(model.get_weights())
    factors = np.where(np.arange(group.width) == 3, FACTOR, 1.0)
    for name in group.scalers:
        norm = broken.get_layer(name)
        norm.gamma.assign(norm.gamma * factors)
        norm.beta.assign(norm.beta * factors)
    for name in group.readers:
        kernel = broken.get_layer(name).kernel
        kernel.assign(kernel / factors[:, None])
    return broken


def percentile(share: float) -> Callable[[np.ndarray, np.ndarray], tuple[float, float]]:
    """Cut off so much of the numbers at each end."""

    def change(counts: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
        below = np.cumsum(counts) / counts.sum()
        low = edges[np.searchsorted(below, 1 - share)]
        high = edges[min(np.searchsorted(below, share) + 1, len(edges) - 1)]
        return float(min(low, 0)), float(max(high, 0))

    return change


def extremes(scores: np.ndarray) -> tuple[float, float]:
    """The range as the converter takes it."""
    return float(scores.min()), float(scores.max())


if __name__ == "__main__":
    main()
