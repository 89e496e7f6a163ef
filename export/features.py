"""What `spread` looks at in a face: the network's view of it, light, and roughly the pose."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgefer.bundle import Bundle
from edgefer.faceset import FaceSet
from edgefer.keras import keras, load_model, tf

from .select import Features, Look


def sight(bundle: Bundle, *, pixels: int = 2**20) -> Look:
    """Look at faces through a bundle's network.

    Parameters
    ----------
    bundle : Bundle
        Holds the Keras model.
    pixels : int
        How many a batch may have: by default 455 patches of 48, or 20 of 224.

    Returns
    -------
    callable
        Gives the `Features` of a face set of any length, in four groups. ``network``: what the last
        layer reads. ``ranges``: the lowest and the highest value of every activation, which is what
        the converter keeps. ``light`` and ``pose``: see there.

    Raises
    ------
    BundleError
        If the bundle holds no Keras model.
    """
    network = _network(load_model(bundle.path("keras")))

    def look(faces: FaceSet) -> Features:
        parts = [
            {
                **dict(zip(("network", "ranges"), network(patches), strict=True)),
                "light": light(patches),
                "pose": pose(patches),
            }
            for patches in _batches(faces, pixels)
        ]
        return Features({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})

    return look


def light(patches: np.ndarray) -> np.ndarray:
    """Mean, contrast, and how light falls off to the right and down: float32 (N, 4).

    On 1,500 drawn faces the third correlates .68 with the light's direction, the fourth .28.
    """
    plain, mean, contrast = _standard(patches)
    slope = np.linspace(-1, 1, patches.shape[1], dtype=np.float32)
    across = (plain * slope).mean(axis=(1, 2))
    down = (plain * slope[:, None]).mean(axis=(1, 2))
    return np.stack([mean, contrast, across, down], axis=1)


def pose(patches: np.ndarray) -> np.ndarray:
    """Where a face's axis of symmetry is, how symmetric it is, how its edges lean: float32 (N, 3).

    The axis is where the patch and its mirror image correlate best. It is a rough pose: on 1,500
    drawn faces the first correlates .54 with the yaw, the second -.35 with its size, the third .29
    with the roll.
    """
    plain, _, _ = _standard(patches)
    side = patches.shape[1]
    # The correlation at every shift at once, each row in a circle, by the transform.
    rows, mirrored = np.fft.rfft(plain), np.fft.rfft(plain[..., ::-1])
    curve = np.fft.irfft((rows.conj() * mirrored).sum(axis=1), side) / side**2
    shifts = np.arange(-(side // 5), side // 5 + 1)
    near = curve[:, shifts]
    down, across = np.gradient(plain, axis=(1, 2))
    lean = (across * down).sum(axis=(1, 2)) / np.maximum(
        (across**2 + down**2).sum(axis=(1, 2)), 1e-6
    )
    axis = shifts[near.argmax(axis=1)] / side
    return np.stack([axis, near.max(axis=1), lean], axis=1).astype(np.float32)


def _standard(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patches of mean 0 and contrast 1, float32 (N, S, S); their means and contrasts, (N,)."""
    plain = patches.astype(np.float32)
    mean, contrast = plain.mean(axis=(1, 2)), plain.std(axis=(1, 2))
    # A blank patch has no contrast: one more grey value keeps it from a division by zero.
    return (plain - mean[:, None, None]) / (contrast[:, None, None] + 1), mean, contrast


def _network(model: Any) -> Any:
    """From patches, uint8 (N, S, S), to the features and the ranges, float32 (N, F) each."""
    activations = [layer.output for layer in model.layers[:-1] if _activates(layer)]
    seen = keras.Model(model.input, [model.layers[-1].input, *activations])

    def look(faces: Any) -> tuple[Any, Any]:
        features, *outputs = seen(faces, training=False)
        flat = [tf.reshape(output, (tf.shape(output)[0], -1)) for output in outputs]
        edges = [find(each, axis=1) for each in flat for find in (tf.reduce_min, tf.reduce_max)]
        return tf.reshape(features, (tf.shape(features)[0], -1)), tf.stack(edges, axis=1)

    traced = tf.function(look, reduce_retracing=True)

    def view(patches: np.ndarray) -> list[np.ndarray]:
        return [part.numpy() for part in traced(tf.constant(patches[..., None], tf.float32))]

    return view


def _activates(layer: Any) -> bool:
    """Whether the converter finds a range for what a layer gives: not for what it folds away."""
    alone = keras.layers.ReLU | keras.layers.Activation | keras.layers.Add
    inside = getattr(layer, "activation", None)
    return isinstance(layer, alone) or inside not in (None, keras.activations.linear)


def _batches(faces: FaceSet, pixels: int) -> Iterator[np.ndarray]:
    step = max(pixels // faces.size**2, 1)
    for start in range(0, len(faces), step):
        yield faces.take(np.arange(start, min(start + step, len(faces))))
