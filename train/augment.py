"""Change faces as cameras and people do: every picture of a batch in its own way, by a seed."""

from typing import Any

import numpy as np

from edgefer.keras import tf

from .recipe import TrainRecipe

# Share of a picture that is erased, and the rectangle's proportions: Zhong et al., "Random Erasing
# Data Augmentation", AAAI 2020, with half of their largest area, as faces fill their patches.
ERASED, PROPORTIONS = (0.02, 0.2), (0.3, 3.3)


def augment(pictures: Any, recipe: TrainRecipe, seed: Any) -> Any:
    """Mirror, turn, shear, shift, scale and relight each picture, add noise, erase a rectangle.

    Parameters
    ----------
    pictures : tensor of float32, shape (B, S, S, 1)
        Values 0..255.
    recipe : TrainRecipe
        How far each change goes; what is 0 is left out.
    seed : tensor of int32, shape (2,)
        The same seed changes the same batch in the same way.

    Returns
    -------
    tensor of float32, shape (B, S, S, 1)
        Values 0..255.
    """
    pictures = _relit(_moved(pictures, recipe, seed), recipe, _other(seed, 1))
    if recipe.noise:
        pictures = _noisy(pictures, recipe.noise, _other(seed, 2))
    if recipe.erase:
        pictures = _erased(pictures, recipe.erase, _other(seed, 3))
    return pictures


def mix(batch: tuple[Any, Any, Any], recipe: TrainRecipe, seed: Any) -> tuple[Any, Any, Any]:
    """Mix each face with another one of its batch, and their targets by the same shares.

    With ``mixup`` whole pictures are blended (Zhang et al., "mixup: Beyond Empirical Risk
    Minimization", ICLR 2018), with ``cutmix`` a rectangle is taken from the other one (Yun et al.,
    "CutMix", ICCV 2019); with both, chance takes one of them for each batch.

    Parameters
    ----------
    batch : tuple of tensor of float32
        Pictures (B, S, S, 1), targets (B, K), weights (B,).
    recipe : TrainRecipe
        Its ``mixup`` and ``cutmix`` are the parameters of a symmetric beta distribution.
    seed : tensor of int32, shape (2,)

    Returns
    -------
    tuple of tensor of float32
        Like ``batch``.
    """
    if not recipe.mixup and not recipe.cutmix:
        return batch
    pictures, targets, weights = batch
    count, size = tf.shape(pictures)[0], tf.shape(pictures)[1]
    partner = tf.argsort(tf.random.stateless_uniform((count,), _other(seed, 4)))
    blend = _beta(recipe.mixup, count, _other(seed, 5))[:, None, None, None]
    blend = tf.broadcast_to(blend, (count, size, size, 1))
    share = 1 - _beta(recipe.cutmix, count, _other(seed, 6))
    cut = 1 - _rectangles(share, tf.ones_like(share), size, _other(seed, 7))
    likely = 0.5 if recipe.mixup and recipe.cutmix else float(bool(recipe.mixup))
    kept = tf.where(tf.random.stateless_uniform((), _other(seed, 8)) < likely, blend, cut)
    own = tf.reduce_mean(kept, axis=(1, 2, 3))
    first, second = own * weights, (1 - own) * tf.gather(weights, partner)
    pictures = kept * pictures + (1 - kept) * tf.gather(pictures, partner)
    mixed = first[:, None] * targets + second[:, None] * tf.gather(targets, partner)
    return pictures, mixed / (first + second)[:, None], first + second


def _moved(pictures: Any, recipe: TrainRecipe, seed: Any) -> Any:
    """Mirrored, turned, sheared, shifted and scaled, in one resampling."""
    count, size = tf.shape(pictures)[0], tf.cast(tf.shape(pictures)[1], tf.float32)
    draws = tf.unstack(tf.random.stateless_uniform((6, count), seed, -1.0, 1.0))
    angle = draws[0] * recipe.rotate * np.pi / 180
    across, down = draws[1] * recipe.shift * size, draws[2] * recipe.shift * size
    scale = 1 + draws[3] * recipe.zoom
    mirror = tf.where(draws[4] < 0, -1.0, 1.0) if recipe.flip else tf.ones_like(angle)
    shear = draws[5] * recipe.shear
    # Output pixel p is taken from A (p - middle) + middle + shift: A does all but the shift.
    cos, sin = tf.cos(angle) * scale, tf.sin(angle) * scale
    a, b, c, d = cos * mirror, cos * mirror * shear - sin, sin * mirror, sin * mirror * shear + cos
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
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=transforms,
        output_shape=tf.shape(pictures)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _relit(pictures: Any, recipe: TrainRecipe, seed: Any) -> Any:
    draws = tf.random.stateless_uniform((2, tf.shape(pictures)[0], 1, 1, 1), seed, -1.0, 1.0)
    contrast, brightness = 1 + draws[0] * recipe.light, draws[1] * recipe.light * 255
    return tf.clip_by_value((pictures - 127.5) * contrast + 127.5 + brightness, 0.0, 255.0)


def _noisy(pictures: Any, most: float, seed: Any) -> Any:
    """Normal noise of a standard deviation from 1 to `most`, then stretched to 0..255.

    As the Korean ResNet50 of the HUFS work was trained.
    """
    shape = tf.shape(pictures)
    strength = tf.random.stateless_uniform((shape[0], 1, 1, 1), seed, min(1.0, most), most)
    noisy = pictures + strength * tf.random.stateless_normal(shape, _other(seed, 9))
    low = tf.reduce_min(noisy, axis=(1, 2, 3), keepdims=True)
    high = tf.reduce_max(noisy, axis=(1, 2, 3), keepdims=True)
    return (noisy - low) * 255 / tf.maximum(high - low, 1.0)


def _erased(pictures: Any, share: float, seed: Any) -> Any:
    """A rectangle of one grey in so many of the pictures."""
    count, size = tf.shape(pictures)[0], tf.shape(pictures)[1]
    draws = tf.unstack(tf.random.stateless_uniform((4, count), seed))
    area = ERASED[0] + draws[0] * (ERASED[1] - ERASED[0])
    low, high = np.log(PROPORTIONS)
    hole = _rectangles(area, tf.exp(low + draws[1] * (high - low)), size, _other(seed, 10))
    hole *= tf.cast(draws[2] < share, tf.float32)[:, None, None, None]
    return pictures * (1 - hole) + hole * draws[3][:, None, None, None] * 255


def _rectangles(area: Any, proportion: Any, size: Any, seed: Any) -> Any:
    """Rectangles of 1 in pictures of 0, float32 (B, S, S, 1), anywhere, as far as they fit in."""
    side = tf.cast(size, tf.float32)
    wide = tf.minimum(tf.sqrt(area * proportion), 1.0) * side
    high = tf.minimum(tf.sqrt(area / proportion), 1.0) * side
    places = tf.unstack(tf.random.stateless_uniform((2, tf.shape(area)[0]), seed))
    pixels = tf.range(side)[None]
    inside = [
        tf.cast((pixels >= place[:, None]) & (pixels < (place + length)[:, None]), tf.float32)
        for length, place in (
            (wide, tf.round(places[0] * (side - wide))),
            (high, tf.round(places[1] * (side - high))),
        )
    ]
    return inside[1][:, :, None, None] * inside[0][:, None, :, None]


def _beta(alpha: float, count: Any, seed: Any) -> Any:
    """Draws from Beta(alpha, alpha), float32 (B,): a gamma's share of two."""
    if not alpha:
        return tf.ones((count,))
    one, other = tf.unstack(tf.random.stateless_gamma((2, count), seed, alpha))
    return one / tf.maximum(one + other, 1e-12)


def _other(seed: Any, number: int) -> Any:
    """Another seed for another purpose."""
    return tf.stack([seed[0], seed[1] * 16 + number])
