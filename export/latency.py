"""How long models take for one face on this machine, each against the other."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import numpy as np

from edgefer.errors import EdgeferError
from edgefer.progress import say

from .channels import Network
from .check import load
from .cut import cut, plan

# Blocks of calls, the models in turn, so that a busy moment meets all of them.
_BLOCK = 10
_STEPS = 5


def milliseconds(
    models: Mapping[str, bytes], *, calls: int = 200, seconds: float = 8.0
) -> dict[str, float]:
    """Median time of one face, batch 1, one thread, on LiteRT, by the models' names.

    So many calls of each are timed, or as many as the seconds allow.
    """
    ask = {name: _call(model) for name, model in models.items()}
    found: dict[str, list[float]] = {name: [] for name in models}
    start = perf_counter()
    while len(next(iter(found.values()))) < calls and (
        not all(found.values()) or perf_counter() - start < seconds
    ):
        for name, call in ask.items():
            # The first call after the other model's finds cold caches: it is not counted.
            call()
            for _ in range(_BLOCK):
                began = perf_counter()
                call()
                found[name].append(1000 * (perf_counter() - began))
    return {name: float(np.median(each)) for name, each in found.items()}


def share_for(
    model: Any,
    network: Network,
    scores: list[np.ndarray],
    wanted: float,
    multiple: int,
    convert: Callable[[Any], bytes],
    *,
    timed: Callable[[Mapping[str, bytes]], dict[str, float]] = milliseconds,
) -> float:
    """Share of the multiplications at which a network takes a share of its time.

    Networks are cut by halving the interval, converted and timed against the whole one; what they
    answer does not matter.

    Parameters
    ----------
    model : keras.Model
        The network.
    network, scores, multiple
        As for `edgefer.export.cut.plan`.
    wanted : float
        Share of the time, 0..1.
    convert : callable
        Gives the TFLite model that will run.
    timed : callable
        Gives the time of models by their names.

    Raises
    ------
    EdgeferError
        If the thinnest network takes longer.
    """
    whole, low, high, found = convert(model), 0.0, 1.0, 0.0
    for _ in range(_STEPS):
        share = (low + high) / 2
        try:
            kept = plan(network, scores, share * network.macs(), multiple)
        except EdgeferError:
            low = share
            continue
        times = timed({"whole": whole, "thin": convert(cut(model, network, kept))})
        ratio = times["thin"] / times["whole"]
        say(f"{share:.0%} of the work takes {ratio:.0%} of the time")
        if ratio <= wanted:
            low = found = share
        else:
            high = share
    if not found:
        raise EdgeferError(
            f"no thinner network was found that takes {wanted:g} of the time. Name more than that, "
            "or a smaller --multiple."
        )
    return found


def _call(model: bytes) -> Callable[[], None]:
    interpreter, given = load(model)
    rng = np.random.default_rng(0)
    face = rng.integers(0, 256, given["shape"]).astype(given["dtype"])

    def call() -> None:
        interpreter.set_tensor(given["index"], face)
        interpreter.invoke()

    return call
