"""What helps int8, and what does not: ways to quantize a network, judged on the same faces.

    python benchmarks/quantization.py FACESET CALIBRATION [--bundle default] [--split val]

Rows are drops against the float model in points, with their 95 % interval; changed: faces answered
otherwise than by the float model; distance: mean difference of the probabilities; worst: the
emotion that loses most. The second table is of the same network with one channel a thousand times
too large and the weights that read it as much too small: in float it answers the same.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from bias import correct_bias

from edgefer.bundle import Bundle
from edgefer.export.channels import Network
from edgefer.export.check import Check, answers, load
from edgefer.export.convert import to_float
from edgefer.export.equalize import equalize
from edgefer.export.mixed import Calibrated
from edgefer.export.sensitivity import measured
from edgefer.faceset import FaceSet
from edgefer.keras import load_model
from edgefer.report import Comparison

FACTOR = 1000.0
BINS = 2048


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
        print(f"| {'way':34} | drop, points | 95 % interval | changed | distance | worst |")
        print("| --- | ---: | --- | ---: | ---: | --- |")
        for way, data in ways(network, patches):
            after = answers(data, faces.patches)
            check = Check.of(before, after)
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
                f"{100 * whole.high:+.2f} | {whole.changed} | {check.mean:.5f} | "
                f"{worst.emotion} {100 * worst.drop:+.2f} |",
                flush=True,
            )


def ways(model: Any, patches: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """Names of ways, and the TFLite model that each makes of a network."""
    plain = Calibrated.of(model, patches)
    yield "int8", plain.quantize()
    yield "int8, a scale for each dense output", plain.quantize(per_channel_dense=True)
    for name, change in CLIPS.items():
        yield name, clipped(plain, patches, change).quantize()
    yield "bias correction", Calibrated.of(correct_bias(model, patches), patches).quantize()
    equal = equalize(model, patches)
    network = Calibrated.of(equal, patches)
    yield "equalization", network.quantize()
    yield "  and bias correction", Calibrated.of(correct_bias(equal, patches), patches).quantize()
    yield "  and ranges of least mse", clipped(network, patches, least_error).quantize()
    for strength in (0.25, 1.0):
        other = equalize(model, patches, strength=strength)
        yield f"  of strength {strength:g}", Calibrated.of(other, patches).quantize()
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
        return float(low), float(high)

    return change


def least_error(counts: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """The range whose 256 steps have the least mean squared error, of 64 tried."""
    middles = (edges[1:] + edges[:-1]) / 2

    def error(part: float) -> float:
        low, high = edges[0] * part, edges[-1] * part
        step = (high - low) / 255
        back = np.clip(np.round((middles - low) / step), 0, 255) * step + low
        return float((counts * (middles - back) ** 2).sum())

    best = min(np.linspace(0.3, 1, 64), key=error)
    return float(edges[0] * best), float(edges[-1] * best)


CLIPS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[float, float]]] = {
    "ranges cut at 99.9 %": percentile(0.999),
    "ranges cut at 99.99 %": percentile(0.9999),
    "ranges of least mse": least_error,
}


def clipped(
    network: Calibrated,
    patches: np.ndarray,
    change: Callable[[np.ndarray, np.ndarray], tuple[float, float]],
) -> Calibrated:
    """Same network with other ranges for what convolutions and dense layers give."""
    root = schema.ModelT.InitFromPackedBuf(network.data, 0)
    (graph,) = root.subgraphs
    ranges: dict[int, tuple[float, float]] = {}
    weighted = [part.gives[0] for part in network.parts if part.weighted]
    for tensor, values in histograms(network, weighted, patches).items():
        ranges[tensor] = change(*values)
    for part in network.parts:
        if not part.scaled and part.reads[0] in ranges:
            ranges[part.gives[0]] = ranges[part.reads[0]]
    for tensor, (low, high) in ranges.items():
        found = graph.tensors[tensor].quantization
        found.min, found.max = [min(low, 0.0)], [max(high, 0.0)]
    builder = flatbuffers.Builder(len(network.data))
    builder.Finish(root.Pack(builder), b"TFL3")
    return Calibrated(bytes(builder.Output()), network.parts)


def histograms(
    network: Calibrated, tensors: list[int], patches: np.ndarray
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Counts and edges of what these tensors hold on the faces, within the range calibrated."""
    root = schema.ModelT.InitFromPackedBuf(network.data, 0)
    (graph,) = root.subgraphs
    edges = {}
    for i in tensors:
        about = graph.tensors[i].quantization
        edges[i] = np.linspace(float(about.min[0]), float(about.max[0]), BINS + 1)
    # Only what is told outside can be read.
    graph.outputs, root.signatureDefs = list(tensors), []
    builder = flatbuffers.Builder(len(network.data))
    builder.Finish(root.Pack(builder), b"TFL3")
    interpreter, given = load(bytes(builder.Output()))
    counts = {i: np.zeros(BINS) for i in tensors}
    for start in range(0, len(patches), 32):
        faces = patches[start : start + 32, ..., None].astype(np.float32)
        interpreter.resize_tensor_input(given["index"], faces.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], faces)
        interpreter.invoke()
        for i in tensors:
            values = interpreter.get_tensor(i)
            counts[i] += np.histogram(values, edges[i])[0]
    return {i: (counts[i], edges[i]) for i in tensors}


if __name__ == "__main__":
    main()
