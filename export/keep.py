"""Keep zeros zero and equal weights equal while a network is trained further."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgefer.keras import keras, tf


class Keep(keras.callbacks.Callback):
    """After each step, puts weights back to zero, and equal ones to their mean.

    The toolkit's own ways to this were tried. Its prune-preserving scheme knows no clusters, and
    has let a dense layer fall from 80 to 27 % zeros. Its cluster-preserving scheme clusters a layer
    as a whole, while normalization, once folded, gives every output values of its own: of 8 for an
    output it made 43. A step on weights that are shared is one on their mean, so this is all there
    is to do.

    Parameters
    ----------
    kernels : mapping of str to tf.Variable
        Weights of each layer, outputs last.
    clusters : bool
        Whether equal weights of an output stay equal; zeros stay in any case.
    """

    def __init__(self, kernels: Mapping[str, Any], *, clusters: bool) -> None:
        super().__init__()
        self.kept = [_Kept(one, clusters=clusters) for one in kernels.values()]
        self.restore = tf.function(self._restore)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Undo what the step did to the weights' structure."""
        self.restore()

    def _restore(self) -> None:
        for one in self.kept:
            one.restore()


class _Kept:
    """Which weights of a kernel are zero, and which are equal."""

    def __init__(self, kernel: Any, *, clusters: bool) -> None:
        self.kernel = kernel
        values = kernel.numpy()
        self.mask = tf.constant((values != 0).astype(np.float32))
        self.members = self.count = None
        if clusters:
            members = np.empty(values.shape, np.int32)
            start = 0
            for output in range(values.shape[-1]):
                different, which = np.unique(values[..., output], return_inverse=True)
                members[..., output] = start + which.reshape(values.shape[:-1])
                start += len(different)
            self.members, self.count = tf.constant(members), start

    def restore(self) -> None:
        values = self.kernel * self.mask
        if self.members is not None:
            means = tf.math.unsorted_segment_mean(
                tf.reshape(values, [-1]), tf.reshape(self.members, [-1]), self.count
            )
            # A mean of rounded sums of zeros is zero, so the mask need not come again.
            values = tf.gather(means, self.members)
        self.kernel.assign(values)
