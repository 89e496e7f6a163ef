"""Choose the range of every number so that rounding it to 8 bits costs least.

The converter takes the lowest and the highest number that calibration faces showed: one rare number
makes the steps of all others wide. Here each layer's range is that of least mean squared error over
all of its numbers, and the range of the last layer before the softmax the one after which the
probabilities are nearest to those without rounding: an emotion of next to no probability may be cut
off, and the packaged network's step shrinks from .058 to .04.

Source: Nagel et al., "A White Paper on Neural Network Quantization", 2021, section 3.1.
"""

from collections.abc import Callable, Mapping, Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .check import load
from .mixed import Calibrated, Part

_BINS = 2048
_BATCH = 4  # of a network for 224 pixels a face's numbers are 100 MB
_SHARES = np.linspace(0.3, 1, 64)
_ANSWER = "SOFTMAX"


def least_squares(counts: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Range whose 256 steps have the least mean squared error.

    Parameters
    ----------
    counts : ndarray of int, shape (B,)
        How many numbers lie in each bin.
    edges : ndarray of float, shape (B + 1,)
        The bins' edges, the lowest number first.

    Returns
    -------
    (float, float)
        Its ends are the same share of the lowest and the highest number, .3 at least.
    """
    middles = (edges[1:] + edges[:-1]) / 2
    ends = [(edges[0] * share, edges[-1] * share) for share in _SHARES]
    low, high = min(ends, key=lambda e: (counts * (middles - _rounded(middles, *e)) ** 2).sum())
    return float(low), float(high)


def least_distance(scores: np.ndarray) -> tuple[float, float]:
    """Range of the numbers before a softmax that leaves probabilities nearest to what they were.

    Parameters
    ----------
    scores : ndarray of float, shape (N, K)
        Of calibration faces.

    Returns
    -------
    (float, float)
        Low and high are shares of the lowest and the highest score.
    """
    meant = _softmax(scores)
    ends = [
        (low, high)
        for low in np.linspace(0.25, 1, 31) * min(scores.min(), 0)
        for high in np.linspace(0.5, 1, 21) * max(scores.max(), 0)
        if low < high
    ]
    if not ends:
        return float(scores.min()), float(scores.max())
    low, high = min(ends, key=lambda e: np.abs(_softmax(_rounded(scores, *e)) - meant).sum())
    return float(low), float(high)


def with_ranges(
    network: Calibrated,
    patches: np.ndarray,
    *,
    choose: Callable[[np.ndarray, np.ndarray], tuple[float, float]] = least_squares,
    choose_scores: Callable[[np.ndarray], tuple[float, float]] = least_distance,
) -> Calibrated:
    """Same network with other ranges for what convolutions and dense layers give.

    Parameters
    ----------
    network : Calibrated
        With the range of every number.
    patches : ndarray of uint8, shape (N, S, S)
        Calibration faces.
    choose : callable
        As `least_squares`.
    choose_scores : callable
        For the numbers before a last softmax: as `least_distance`.

    Returns
    -------
    Calibrated
    """
    answer = _scores(network.parts)
    layers = [part.gives[0] for part in network.parts if part.weighted and part is not answer]
    seen = _Seen(network, layers, answer.gives if answer else ())
    seen.show(patches)
    ranges = {tensor: choose(*seen.counted(tensor)) for tensor in layers}
    ranges = {tensor: (low, high) for tensor, (low, high) in ranges.items() if low < high}
    for part in network.parts:
        if not part.scaled and part.reads[0] in ranges:
            ranges[part.gives[0]] = ranges[part.reads[0]]
    if answer:
        ranges[answer.gives[0]] = choose_scores(np.concatenate(seen.scores))
    return Calibrated(_ranged(network.data, ranges), network.parts)


def _scores(parts: Sequence[Part]) -> Part | None:
    """Layer that a last softmax reads."""
    last = parts[-1]
    found = [part for part in parts if last.operator == _ANSWER and last.reads[0] in part.gives]
    return found[0] if found and found[0].weighted else None


class _Seen:
    """What a float model's layers give on faces: counts for most, the numbers of the scores."""

    def __init__(self, network: Calibrated, layers: list[int], scores: Sequence[int]) -> None:
        root = schema.ModelT.InitFromPackedBuf(network.data, 0)
        (graph,) = root.subgraphs
        known = {tensor: graph.tensors[tensor].quantization for tensor in layers}
        # The lowest number may lie above 0, which a range must hold.
        self._edges = {
            tensor: np.linspace(min(about.min[0], 0), max(about.max[0], 0), _BINS + 1)
            for tensor, about in known.items()
        }
        self._counts = {tensor: np.zeros(_BINS, np.int64) for tensor in layers}
        self._asked = tuple(scores)
        self.scores: list[np.ndarray] = []
        # Only what is told outside can be read.
        graph.outputs, root.signatureDefs = [*layers, *scores], []
        self._interpreter, self._given = load(_packed(root))

    def show(self, patches: np.ndarray) -> None:
        """Add what faces, uint8 (N, S, S), give."""
        where = self._given["index"]
        for start in range(0, len(patches), _BATCH):
            faces = patches[start : start + _BATCH, ..., None].astype(np.float32)
            self._interpreter.resize_tensor_input(where, faces.shape)
            self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(where, faces)
            self._interpreter.invoke()
            for tensor, edges in self._edges.items():
                numbers = self._interpreter.get_tensor(tensor)
                self._counts[tensor] += np.histogram(numbers, edges)[0]
            self.scores += [self._interpreter.get_tensor(tensor) for tensor in self._asked]

    def counted(self, tensor: int) -> tuple[np.ndarray, np.ndarray]:
        """Counts and edges of a layer's numbers."""
        return self._counts[tensor], self._edges[tensor]


def _ranged(data: bytes, ranges: Mapping[int, tuple[float, float]]) -> bytes:
    root = schema.ModelT.InitFromPackedBuf(data, 0)
    (graph,) = root.subgraphs
    for tensor, (low, high) in ranges.items():
        found = graph.tensors[tensor].quantization
        found.min, found.max = [low], [high]
    return _packed(root)


def _packed(root: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _rounded(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    """Numbers through 8 bits of a range."""
    step = (high - low) / 255
    if step <= 0:
        return np.zeros_like(numbers)
    return np.asarray(np.clip(np.round((numbers - low) / step), 0, 255) * step + low)


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
