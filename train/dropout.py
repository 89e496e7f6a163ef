"""Dropout whose masks are the same after a resume."""

from typing import Any

import numpy as np

from edgefer.keras import keras, tf


def repeatable(model: Any, seed: int, step: Any) -> Any:
    """Same network, whose dropout follows from a seed and the step of the training alone.

    Keras's own follows from what the process drew before: a training that is killed and resumed
    would go on with other masks than one that is not.

    Parameters
    ----------
    model : keras.Model
        A functional model; its weights are copied.
    seed : int
        The recipe's.
    step : tf.Variable
        Steps taken so far: the optimizer's, which are kept over a resume.
    """

    def copy(layer: Any) -> Any:
        if type(layer) is not keras.layers.Dropout or layer.noise_shape is not None:
            return layer.__class__.from_config(layer.get_config())
        return _Dropout(_Clock(seed, layer.name, step), **layer.get_config())

    made = keras.models.clone_model(model, clone_function=copy)
    made.set_weights(model.get_weights())
    return made


class _Clock:
    """A seed, int32 (2,), of its own for each layer and step."""

    def __init__(self, seed: int, name: str, step: Any) -> None:
        start = np.random.default_rng([seed, *name.encode()]).integers(2**31)
        self._start = np.int32(start)
        # In a function: as an attribute of a layer's it would become one of the layer's weights.
        self._step = lambda: tf.cast(step, tf.int32)

    def __call__(self) -> Any:
        return tf.stack([self._start, self._step()])  # type: ignore[no-untyped-call]


class _Dropout(keras.layers.Dropout):
    """Dropout by stateless random numbers; it is never saved."""

    def __init__(self, clock: _Clock, **config: Any) -> None:
        super().__init__(**config)
        self._clock = clock

    def call(self, inputs: Any, training: Any = None) -> Any:
        if not training:
            return inputs
        return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed=self._clock())
