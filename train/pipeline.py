"""Feed faces to a network: shuffled, augmented, weighted; read from disk as they are needed."""

from typing import Any

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.keras import tf

from .recipe import TrainRecipe


def training_batches(faces: FaceSet, recipe: TrainRecipe, epoch: int) -> Any:
    """One epoch of augmented faces in random order.

    Parameters
    ----------
    faces : FaceSet
        The training split.
    recipe : TrainRecipe
        Batch, augmentation, balance, votes and seed.
    epoch : int
        Which epoch: each has its own order and its own augmentation, the same after a resume.

    Returns
    -------
    tf.data.Dataset
        Of (faces float32 (B, S, S, 1) in 0..255, targets float32 (B, K), weights float32 (B,)).
    """
    order = np.random.default_rng([recipe.seed, epoch]).permutation(len(faces))
    targets, weights = soft_targets(faces, recipe), face_weights(faces, recipe.balance)

    def load(rows: Any) -> tuple[Any, Any, Any]:
        patches = tf.numpy_function(faces.take, [rows], tf.uint8)
        patches.set_shape((None, faces.size, faces.size))
        return patches, tf.gather(targets, rows), tf.gather(weights, rows)

    def change(step: Any, batch: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        patches, *rest = batch
        pictures = tf.cast(patches[..., None], tf.float32)
        return augment(pictures, recipe, tf.stack([recipe.seed + 7919 * epoch, step])), *rest

    rows = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch)
    loaded = rows.map(load).enumerate(tf.constant(0, tf.int64))
    return loaded.map(
        lambda step, batch: change(tf.cast(step, tf.int32), batch), num_parallel_calls=2
    ).prefetch(4)


def validation_batches(faces: FaceSet, batch: int = 256) -> Any:
    """Faces as they are, in order: a Dataset of (float32 (B, S, S, 1), one-hot float32 (B, K))."""
    targets = np.eye(len(faces.labels), dtype=np.float32)[faces.targets]

    def load(rows: Any) -> tuple[Any, Any]:
        patches = tf.numpy_function(faces.take, [rows], tf.uint8)
        patches.set_shape((None, faces.size, faces.size))
        return tf.cast(patches[..., None], tf.float32), tf.gather(targets, rows)

    return tf.data.Dataset.range(len(faces)).batch(batch).map(load).prefetch(2)


def soft_targets(faces: FaceSet, recipe: TrainRecipe) -> np.ndarray:
    """What each face is to be answered with, float32 (N, K), rows summing to 1.

    The label, smoothed, with a share of the annotators' votes mixed in where a face has votes.
    """
    classes = len(faces.labels)
    hard = np.eye(classes, dtype=np.float32)[faces.targets]
    smooth = hard * (1 - recipe.smoothing) + recipe.smoothing / classes
    asked = faces.votes.sum(axis=1, keepdims=True)
    share = np.where(asked > 0, recipe.votes, 0)
    mixed = (1 - share) * smooth + share * faces.votes / np.maximum(asked, 1)
    return np.asarray(mixed, np.float32)


def face_weights(faces: FaceSet, balance: float) -> np.ndarray:
    """Weight of each face, float32 (N,), 1 on average: rare emotions count more."""
    counts = np.bincount(faces.targets, minlength=len(faces.labels))
    weights = (counts.mean() / np.maximum(counts, 1)) ** balance
    each = weights[faces.targets]
    return np.asarray(each / each.mean(), np.float32)


def augment(pictures: Any, recipe: TrainRecipe, seed: Any) -> Any:
    """Mirror, turn, shift, scale and relight each picture of a batch, in one resampling.

    Parameters
    ----------
    pictures : tensor of float32, shape (B, S, S, 1)
        Values 0..255.
    recipe : TrainRecipe
        How far each change goes.
    seed : tensor of int32, shape (2,)
        The same seed changes the same batch in the same way.

    Returns
    -------
    tensor of float32, shape (B, S, S, 1)
    """
    count, size = tf.shape(pictures)[0], tf.cast(tf.shape(pictures)[1], tf.float32)
    draws = tf.unstack(tf.random.stateless_uniform((7, count), seed, -1.0, 1.0))
    angle = draws[0] * recipe.rotate * np.pi / 180
    across, down = draws[1] * recipe.shift * size, draws[2] * recipe.shift * size
    scale = 1 + draws[3] * recipe.zoom
    mirror = tf.where(draws[4] < 0, -1.0, 1.0) if recipe.flip else tf.ones_like(angle)
    # Output pixel p is taken from A (p - middle) + middle + shift: A mirrors, turns and scales.
    cos, sin = tf.cos(angle) * scale, tf.sin(angle) * scale
    a, b, c, d = cos * mirror, -sin, sin * mirror, cos
    middle = (size - 1) / 2
    zeros = tf.zeros_like(a)
    transforms = tf.stack(
        [
            *(a, b, middle - (a + b) * middle + across),
            *(c, d, middle - (c + d) * middle + down),
            *(zeros, zeros),
        ],
        axis=1,
    )
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=transforms,
        output_shape=tf.shape(pictures)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    contrast = (1 + draws[5] * recipe.light)[:, None, None, None]
    brightness = (draws[6] * recipe.light * 255)[:, None, None, None]
    return tf.clip_by_value((moved - 127.5) * contrast + 127.5 + brightness, 0.0, 255.0)
