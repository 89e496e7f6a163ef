# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="clustering needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.export.cluster import cluster
from edgefer.export.convert import to_float, to_int8
from edgefer.export.kernels import kernels_in, kernels_of, require_clusters, require_sparse
from edgefer.export.recipe import ExportRecipe
from edgefer.keras import load_model

QUICK = ExportRecipe(sparsity="0.5", clusters=8, epochs=1, batch=32, rate=1e-3)


@pytest.fixture(scope="module")
def sparse(model):
    """The network, of which half the weights are zero, in every layer."""
    for name in kernels_of(model):
        kernel, *rest = model.get_layer(name).get_weights()
        kernel[np.abs(kernel) <= np.median(np.abs(kernel))] = 0
        model.get_layer(name).set_weights([kernel, *rest])
    return model


@pytest.fixture(scope="module")
def weights(sparse):
    return sparse.get_weights()


@pytest.fixture(scope="module")
def clustered(sparse, weights, faces):
    return cluster(sparse, faces, QUICK)


def test_every_layer_shares_a_few_weights_and_stays_sparse(clustered):
    kernels = kernels_of(clustered.model)
    assert clustered.layers == {name: len(np.unique(x)) for name, x in kernels.items()}
    assert len(clustered.layers) == 6  # five convolutions and the head
    assert max(clustered.layers.values()) <= 8
    assert min(np.mean(kernel == 0) for kernel in kernels.values()) >= 0.5


def test_the_files_have_as_few_weights_for_each_output_and_as_many_zeros(clustered, faces):
    for data in (to_float(clustered.model), to_int8(clustered.model, faces.patches)):
        require_clusters(kernels_in(data), 8, "conversion")
        require_sparse(kernels_in(data), "0.5", "conversion")


def test_a_dense_network_is_clustered_too(sparse, faces):
    found = cluster(sparse, faces.split("train"), replace(QUICK, sparsity="", clusters=4))
    assert set(found.layers.values()) <= {2, 3, 4}
    assert (found.before, found.after) == (None, None)  # there was no val split


def test_the_network_given_stays_as_it_is(sparse, weights, clustered):
    assert all((a == b).all() for a, b in zip(weights, sparse.get_weights(), strict=True))


def test_no_trace_of_the_toolkit_is_left(clustered, sparse, tmp_path):
    clustered.model.save(tmp_path / "model.keras")
    names = [layer.name for layer in load_model(tmp_path / "model.keras").layers]
    assert names == [layer.name for layer in sparse.layers]
    assert clustered.model.count_params() == sparse.count_params()


def test_it_is_scored_before_and_after(clustered, faces):
    assert clustered.before.confusion.sum() == len(faces.split("val"))
    assert clustered.after.accuracy > 0.5  # one in seven by chance
