"""Set small weights to zero while the network learns to do without them.

Magnitude pruning after Zhu and Gupta, "To prune, or not to prune", 2017, by TensorFlow's Model
Optimization Toolkit. The model becomes a smaller download; it runs neither faster nor slower.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_model_optimization as tfmot

from edgefer.errors import BundleError
from edgefer.faceset import FaceSet
from edgefer.keras import keras, precision, probabilities, scaled, tf, with_policy
from edgefer.progress import say
from edgefer.report import Score

from .recipe import ExportRecipe


@dataclass(frozen=True)
class Pruned:
    """A network after pruning.

    Attributes
    ----------
    model : keras.Model
        Without any trace of the toolkit, in float32.
    sparsity : dict of str to float
        Share of zeros in the weights of each layer that was pruned.
    before, after : Score, optional
        On the ``val`` split, where there is one.
    """

    model: Any
    sparsity: dict[str, float]
    before: Score | None
    after: Score | None


def prune(model: Any, faces: FaceSet, recipe: ExportRecipe) -> Pruned:
    """Prune the convolutions and dense layers of a network while training it further.

    The sparsity rises over the first two thirds of the steps as 1 - (1 - t)^3 does, and stays. A
    face's target is its label mixed with what the unpruned network answers to it and to its mirror
    image.

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    faces : FaceSet
        Its ``train`` split is trained on, its ``val`` split is scored before and after.
    recipe : ExportRecipe
        ``prune`` is the sparsity; epochs, batch, rate, teacher, precision and seed apply here.

    Returns
    -------
    Pruned

    Raises
    ------
    DataError
        If there is no ``train`` split.
    BundleError
        If a layer does not reach the sparsity.
    """
    train = faces.split("train")
    val = faces.split("val") if "val" in faces.split_names else None
    keras.utils.set_random_seed(recipe.seed)
    before = _score(model, val)
    targets = _targets(model, train, recipe.teacher)
    policy = precision() if recipe.precision == "auto" else recipe.precision
    steps = -(-len(train) // recipe.batch)
    working = _wrapped(with_policy(model, policy), recipe.prune, recipe.epochs * steps)
    optimizer = _optimizer(recipe, steps, policy)
    working.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    steps_taken = tfmot.sparsity.keras.UpdatePruningStep()
    say(f"pruning to {recipe.prune:.0%} zeros on {len(train)} faces, {policy}")
    for epoch in range(recipe.epochs):
        batches = _batches(train, targets, recipe, epoch)
        row = working.fit(batches, verbose=0, callbacks=[steps_taken]).history
        say(
            f"epoch {epoch + 1}/{recipe.epochs}  loss {row['loss'][0]:.3f}  "
            f"accuracy {row['accuracy'][0]:.3f}"
        )
    pruned = with_policy(tfmot.sparsity.keras.strip_pruning(working), "float32")
    return Pruned(pruned, _reached(pruned, recipe.prune), before, _score(pruned, val))


def sparsity_of(model: Any) -> dict[str, float]:
    """Share of zeros in the kernel of every convolution and dense layer."""
    return {
        layer.name: float(np.mean(layer.kernel.numpy() == 0))
        for layer in model.submodules
        if _prunable(layer)
    }


def _optimizer(recipe: ExportRecipe, steps: int, policy: str) -> Any:
    rate = keras.optimizers.schedules.CosineDecay(recipe.rate, recipe.epochs * steps)
    return scaled(keras.optimizers.Adam(rate), policy)


def _prunable(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)


def _wrapped(model: Any, sparsity: float, total: int) -> Any:
    """Same network with every layer that can be pruned in the toolkit's wrapper."""
    # Wrapped one by one: the toolkit refuses a model that holds Rescaling as a whole.
    rise = max(total * 2 // 3, 1)
    every = max(rise // 40, 1)
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=sparsity,
        begin_step=0,
        # Masks change on multiples of the frequency only: the last change must fall on the end.
        end_step=rise // every * every,
        frequency=every,
    )

    def wrap(layer: Any) -> Any:
        if not _prunable(layer):
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    return keras.models.clone_model(model, clone_function=wrap)


def _reached(model: Any, sparsity: float) -> dict[str, float]:
    """Sparsity of every layer, after none was found to have missed the target."""
    found = sparsity_of(model)
    sizes = {x.name: x.kernel.shape.num_elements() for x in model.submodules if _prunable(x)}
    # The toolkit rounds the number of zeros, so one weight may be missing.
    missed = {name: share for name, share in found.items() if share < sparsity - 1.5 / sizes[name]}
    if missed:
        named = ", ".join(f"{name} ({share:.2f})" for name, share in missed.items())
        raise BundleError(
            f"pruning to {sparsity:g} was missed by {named}. Give it more steps with --epochs, or "
            "a smaller --prune."
        )
    return found


def _targets(model: Any, train: FaceSet, teacher: float) -> np.ndarray:
    """What each face is to be answered with, float32 (N, K), rows summing to 1."""
    hard = np.eye(len(train.labels), dtype=np.float32)[train.targets]
    if not teacher:
        return hard
    answers = [
        (probabilities(model, patches) + probabilities(model, patches[..., ::-1])) / 2
        for patches in map(train.take, _chunks(train))
    ]
    return np.asarray((1 - teacher) * hard + teacher * np.concatenate(answers), np.float32)


def _batches(train: FaceSet, targets: np.ndarray, recipe: ExportRecipe, epoch: int) -> Any:
    """One epoch in random order, half of the faces mirrored: float32 (B, S, S, 1) and (B, K)."""
    rng = np.random.default_rng([recipe.seed, epoch])
    order, mirrored = rng.permutation(len(train)), rng.random(len(train)) < 0.5

    def load(rows: Any, mirror: Any) -> tuple[Any, Any]:
        patches = tf.numpy_function(train.take, [rows], tf.uint8)
        patches.set_shape((None, train.size, train.size))
        faces = tf.where(mirror[:, None, None], patches[..., ::-1], patches)
        return tf.cast(faces[..., None], tf.float32), tf.gather(targets, rows)

    pairs = tf.data.Dataset.from_tensor_slices((order, mirrored))
    return pairs.batch(recipe.batch).map(load).prefetch(4)


def _score(model: Any, val: FaceSet | None) -> Score | None:
    if val is None:
        return None
    answers = [probabilities(model, val.take(rows)).argmax(axis=1) for rows in _chunks(val)]
    return Score.of(val.labels, val.targets, np.concatenate(answers))


def _chunks(faces: FaceSet) -> list[np.ndarray]:
    """Positions, some thousand at a time: a face set may be larger than the memory."""
    return np.array_split(np.arange(len(faces)), -(-len(faces) // 4096))
