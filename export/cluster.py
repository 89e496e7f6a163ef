"""Let the weights of a layer share a few values: weight clustering.

Han et al., "Deep Compression", 2016, by TensorFlow's Model Optimization Toolkit. The model becomes
a smaller download; it runs neither faster nor slower.
"""

from typing import Any

import numpy as np
import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.clustering.keras.experimental.cluster import (
    cluster_weights as sparse_cluster_weights,
)

from edgefer.faceset import FaceSet
from edgefer.keras import keras, with_policy
from edgefer.progress import say

from .finetune import finetune, score
from .kernels import Compressed, is_weighted, kernels_of, require_clusters, require_sparse
from .recipe import ExportRecipe


def cluster(model: Any, faces: FaceSet, recipe: ExportRecipe) -> Compressed:
    """Give each convolution and dense layer a few weights to share, and train them further.

    A sparse network stays sparse: zero is one of its values.

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    faces : FaceSet
        Its ``train`` split is trained on, its ``val`` split is scored before and after.
    recipe : ExportRecipe
        ``clusters`` is the number of values; epochs, batch, rate, teacher and seed apply; sparsity
        is what the network must still have.

    Returns
    -------
    Compressed
        Its ``layers``: how many different weights each has.

    Raises
    ------
    DataError
        If there is no ``train`` split.
    BundleError
        If a layer keeps more values, or loses its sparsity.
    """
    train = faces.split("train")
    val = faces.split("val") if "val" in faces.split_names else None
    keras.utils.set_random_seed(recipe.seed)
    before = score(model, val)
    say(f"clustering to {recipe.clusters} weights a layer on {len(train)} faces, float32")
    working = _wrapped(with_policy(model, "float32"), recipe)
    finetune(working, train, recipe, teacher=model, epochs=recipe.epochs)
    stripped = tfmot.clustering.keras.strip_clustering(working)
    clustered = with_policy(stripped, "float32")
    kernels = kernels_of(clustered)
    require_clusters(kernels, recipe.clusters, "clustering", whole=True)
    require_sparse(kernels, recipe.sparsity, "clustering")
    found = {name: len(np.unique(kernel)) for name, kernel in kernels.items()}
    return Compressed(clustered, found, before, score(clustered, val))


def _wrapped(model: Any, recipe: ExportRecipe) -> Any:
    """Same network with every layer that is to be clustered in the toolkit's wrapper."""
    toolkit = tfmot.clustering.keras
    # Evenly spread between the smallest and the largest weight.
    start = toolkit.CentroidInitialization.LINEAR

    def wrap(layer: Any) -> Any:
        # Wrapped one by one: the toolkit knows neither Rescaling nor what has no weights to share.
        if not is_weighted(layer) or layer.count_params() <= recipe.clusters:
            return layer
        if not recipe.sparsity:
            return toolkit.cluster_weights(layer, recipe.clusters, start)
        return sparse_cluster_weights(layer, recipe.clusters, start, preserve_sparsity=True)

    return keras.models.clone_model(model, clone_function=wrap)
