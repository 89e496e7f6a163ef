"""Train a network a little further on its own faces: what pruning and quantization ask for."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.keras import accuracy, keras, precision, probabilities, scaled, tf, with_policy
from edgefer.progress import say
from edgefer.report import Score

from .recipe import ExportRecipe

# Largest turn in radians, change of scale, and shift as a share of the side.
_TURN, _ZOOM, _SHIFT = 0.07, 0.05, 0.05


def finetune(
    working: Any,
    faces: FaceSet,
    recipe: ExportRecipe,
    *,
    teacher: Any,
    epochs: int,
    start: int = 0,
    policy: str = "float32",
    callbacks: Sequence[Any] = (),
) -> None:
    """Train a network in place; the learning rate falls to zero along a cosine.

    Half of the faces are mirrored, and all are shifted, turned and resized a little. The teacher
    answers the very picture that the pupil sees, not the face it was made of: Beyer et al.,
    "Knowledge Distillation: A Good Teacher Is Patient and Consistent", CVPR 2022.

    Parameters
    ----------
    working : keras.Model
        Takes float32 (N, S, S, 1), 0..255; gives probabilities, float32 (N, K).
    faces : FaceSet
        What is trained on, all of it.
    recipe : ExportRecipe
        Its batch, rate and seed apply here, and ``teacher``: the share of a face's target that the
        teacher's answer makes up, the rest being its label.
    teacher : keras.Model
        The network as it was.
    epochs, start : int
        Passes over the faces, and how many went before: each has an order of its own.
    policy : str
        Keras policy of the network.
    callbacks : sequence of keras.callbacks.Callback
        Called as Keras does.
    """
    steps = -(-len(faces) // recipe.batch)
    rate = keras.optimizers.schedules.CosineDecay(recipe.rate, epochs * steps)
    working.compile(
        scaled(keras.optimizers.Adam(rate), policy),
        loss="categorical_crossentropy",
        metrics=[accuracy()],
    )
    working.optimizer.build(working.trainable_variables)  # else each step is traced twice
    teacher = with_policy(teacher, policy)
    for epoch in range(start, start + epochs):
        batches = _batches(faces, recipe, teacher, epoch)
        row = working.fit(batches, verbose=0, callbacks=list(callbacks)).history
        say(
            f"epoch {epoch - start + 1}/{epochs}  loss {row['loss'][0]:.3f}  "
            f"accuracy {row['accuracy'][0]:.3f}"
        )


def policy_of(recipe: ExportRecipe) -> str:
    """Keras policy that a recipe stands for on this machine."""
    return precision() if recipe.precision == "auto" else recipe.precision


def score(model: Any, faces: FaceSet | None) -> Score | None:
    """Score of a network; None where there are no faces."""
    if faces is None:
        return None
    answers = [probabilities(model, faces.take(rows)).argmax(axis=1) for rows in chunks(faces)]
    return Score.of(faces.labels, faces.targets, np.concatenate(answers))


def chunks(faces: FaceSet) -> list[np.ndarray]:
    """Positions, some thousand at a time: a face set may be larger than the memory."""
    return np.array_split(np.arange(len(faces)), -(-len(faces) // 4096))


def _batches(faces: FaceSet, recipe: ExportRecipe, teacher: Any, epoch: int) -> Any:
    """One epoch in random order: float32 (B, S, S, 1) and targets (B, K), rows summing to 1."""
    rng = np.random.default_rng([recipe.seed, epoch])
    order = rng.permutation(len(faces))
    moves = _moves(rng, len(faces), faces.size)
    labels, share = faces.targets[order], recipe.teacher

    def load(rows: Any, move: Any, target: Any) -> tuple[Any, Any]:
        patches = tf.numpy_function(faces.take, [rows], tf.uint8)
        patches.set_shape((None, faces.size, faces.size))
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(patches[..., None], tf.float32),
            transforms=move,
            output_shape=(faces.size, faces.size),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
        targets = tf.one_hot(target, len(faces.labels))
        if share:
            targets = (1 - share) * targets + share * teacher(moved, training=False)
        return moved, targets

    rows = tf.data.Dataset.from_tensor_slices((order, moves, labels))
    return rows.batch(recipe.batch).map(load, num_parallel_calls=2).prefetch(4)


def _moves(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Where each face's pixels are taken from, as TensorFlow wants it: float32 (N, 8)."""
    middle = (size - 1) / 2
    angle = rng.uniform(-_TURN, _TURN, count)
    zoom = 1 + rng.uniform(-_ZOOM, _ZOOM, count)
    mirror = rng.choice([-1.0, 1.0], count)
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    right, down = rng.uniform(-_SHIFT * size, _SHIFT * size, (2, count))
    a, b, c, d = mirror * cos, -sin, mirror * sin, cos
    rows = (
        *(a, b, middle - a * middle - b * middle + right),
        *(c, d, middle - c * middle - d * middle + down),
        *(np.zeros(count), np.zeros(count)),
    )
    return np.stack(rows, axis=1).astype(np.float32)
