"""Feed faces to a network: shuffled, augmented, weighted; read from disk as they are needed."""

from typing import Any

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.keras import tf

from .augment import augment, mix
from .recipe import TrainRecipe
from .together import Together

# What has no loops and conditions of tensors needs no translation, which takes a second before the
# first epoch.
_untranslated = tf.autograph.experimental.do_not_convert


def training_batches(
    faces: FaceSet | Together,
    recipe: TrainRecipe,
    targets: np.ndarray,
    epoch: int,
) -> Any:
    """One epoch of augmented faces in random order.

    Parameters
    ----------
    faces : FaceSet or Together
        The training split.
    recipe : TrainRecipe
        Batch, augmentation, balance and seed.
    targets : ndarray of float32, shape (N, K)
        What each face is to be answered with.
    epoch : int
        Which epoch: each has its own order and its own augmentation, the same after a resume.

    Returns
    -------
    tf.data.Dataset
        Of (faces float32 (B, S, S, 1) in 0..255, targets float32 (B, K), weights float32 (B,)).
    """
    order, weights = balanced(faces, recipe, epoch)

    def load(rows: Any) -> tuple[Any, Any, Any]:
        patches = tf.numpy_function(faces.take, [rows], tf.uint8)
        patches.set_shape((None, faces.size, faces.size))
        return patches, tf.gather(targets, rows), tf.gather(weights, rows)

    def change(step: Any, batch: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        patches, *rest = batch
        seed = tf.stack([recipe.seed + 7919 * epoch, tf.cast(step, tf.int32)])
        pictures = augment(tf.cast(patches[..., None], tf.float32), recipe, seed)
        return mix((pictures, *rest), recipe, seed)

    rows = tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch)
    loaded = rows.map(_untranslated(load)).enumerate(tf.constant(0, tf.int64))
    return loaded.map(_untranslated(change), num_parallel_calls=2).prefetch(4)


def validation_batches(faces: FaceSet, batch: int = 256) -> Any:
    """Faces as they are, in order: a Dataset of (float32 (B, S, S, 1), one-hot float32 (B, K))."""
    targets = np.eye(len(faces.labels), dtype=np.float32)[faces.targets]

    def load(rows: Any) -> tuple[Any, Any]:
        patches = tf.numpy_function(faces.take, [rows], tf.uint8)
        patches.set_shape((None, faces.size, faces.size))
        return tf.cast(patches[..., None], tf.float32), tf.gather(targets, rows)

    return tf.data.Dataset.range(len(faces)).batch(batch).map(_untranslated(load)).prefetch(2)


def balanced(
    faces: FaceSet | Together, recipe: TrainRecipe, epoch: int
) -> tuple[np.ndarray, np.ndarray]:
    """Order of an epoch, int64 (N,), and weight of each face, float32 (N,).

    A sampler draws faces with replacement, rare emotions more often; else every face comes once.
    """
    rng = np.random.default_rng([recipe.seed, epoch])
    wanted = face_weights(faces, recipe.balance)
    weights = np.ones_like(wanted) if recipe.balance_by == "sampler" else wanted
    if recipe.balance_by == "weights":
        return rng.permutation(len(faces)), weights
    share = wanted.astype(np.float64) / wanted.sum(dtype=np.float64)
    return rng.choice(len(faces), len(faces), p=share), weights


def face_weights(faces: FaceSet | Together, balance: float) -> np.ndarray:
    """Weight of each face, float32 (N,), 1 on average: rare emotions count more."""
    counts = np.bincount(faces.targets, minlength=len(faces.labels))
    weights = (counts.mean() / np.maximum(counts, 1)) ** balance
    each = weights[faces.targets]
    return np.asarray(each / each.mean(), np.float32)
