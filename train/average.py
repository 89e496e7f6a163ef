"""Average the weights of a training over its steps: smoother than where it happens to stand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from edgefer.keras import keras

EVERY = 4  # steps between two looks at the weights


class Average(keras.callbacks.Callback):
    """Exponential moving average of a model's weights, BatchNormalization's statistics too.

    Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992. The decay
    grows with the steps taken, (1 + n) / (10 + n) at most: an early average would else be of the
    start.

    Parameters
    ----------
    decay : float
        How much of the average stays at each step; 0: all of it is new, the weights themselves.
    weights : sequence of ndarray
        Where it begins, or where it stood.
    step : int
        Steps taken so far.
    """

    def __init__(self, decay: float, weights: Sequence[np.ndarray], step: int = 0) -> None:
        super().__init__()
        self.weights = [np.array(value) for value in weights]
        self._decay, self._step = decay, step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take the weights in after every fourth step."""
        self._step += 1
        if self._decay and self._step % EVERY == 0:
            kept = min(self._decay, (1 + self._step) / (10 + self._step)) ** EVERY
            for mean, value in zip(self.weights, self.model.get_weights(), strict=True):
                mean += (1 - kept) * (value - mean)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Without a decay, take the weights as they are."""
        if not self._decay:
            self.weights = self.model.get_weights()

    @contextmanager
    def shown(self, model: Any) -> Iterator[None]:
        """The model with the average as its weights, for a while."""
        own = model.get_weights()
        model.set_weights(self.weights)
        try:
            yield
        finally:
            model.set_weights(own)
