# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pruning needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.errors import BundleError, DataError, EdgeferError
from edgefer.export.convert import to_float, to_int8
from edgefer.export.kernels import kernels_in, require_sparse
from edgefer.export.recipe import ExportRecipe
from edgefer.export.sparse import sparsify, sparsity_of
from edgefer.keras import keras, load_model, probabilities

QUICK = ExportRecipe(sparsity="0.5", epochs=3, batch=32, rate=2e-3, precision="float32")


@pytest.fixture(scope="module")
def weights(model):
    return model.get_weights()


@pytest.fixture(scope="module")
def pruned(model, weights, faces):
    return sparsify(model, faces, QUICK)


def test_every_convolution_and_dense_layer_reaches_the_sparsity(pruned):
    assert len(pruned.layers) == 6  # five convolutions and the head
    for name, share in pruned.layers.items():
        kernel = pruned.model.get_layer(name).get_weights()[0]
        assert share == np.mean(kernel == 0)
        assert share == pytest.approx(0.5, abs=1.5 / kernel.size)


def test_the_network_given_stays_as_it_is(model, weights, pruned):
    after = model.get_weights()
    assert all((old == new).all() for old, new in zip(weights, after, strict=True))
    assert max(sparsity_of(model).values()) < 0.1
    assert not (pruned.model.get_weights()[0] == weights[0]).all()


def test_no_trace_of_the_toolkit_is_left(pruned, model, tmp_path):
    pruned.model.save(tmp_path / "model.keras")
    names = [layer.name for layer in load_model(tmp_path / "model.keras").layers]
    assert names == [layer.name for layer in model.layers]
    assert pruned.model.count_params() == model.count_params()


def test_it_is_scored_before_and_after(pruned, faces):
    assert pruned.before.confusion.sum() == len(faces.split("val"))
    assert pruned.before.accuracy > 0.9  # the toys are easy
    assert pruned.after.accuracy > 0.7


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_prunes_as_well(model, faces, precision):
    result = sparsify(model, faces, replace(QUICK, sparsity="0.8", epochs=1, precision=precision))
    assert min(result.layers.values()) > 0.79
    assert {layer.dtype_policy.name for layer in result.model.layers} == {"float32"}


def test_the_schedule_ends_on_the_target_in_two_steps_too(model, faces):
    recipe = replace(QUICK, sparsity="0.6", epochs=1, batch=100)
    result = sparsify(model, faces.split("train"), recipe)
    assert min(result.layers.values()) > 0.57
    assert (result.before, result.after) == (None, None)  # there was no val split


@pytest.mark.parametrize(("teacher", "kept"), [(1.0, True), (0.0, False)])
def test_the_answers_before_pruning_can_stand_for_the_labels(model, faces, teacher, kept):
    misled = replace(faces, targets=(faces.targets + 1) % 7)
    recipe = replace(QUICK, sparsity="0.3", epochs=12, rate=0.01, teacher=teacher)
    result = sparsify(model, misled, recipe)
    answers = [probabilities(one, faces.patches).argmax(axis=1) for one in (model, result.model)]
    assert (np.mean(answers[0] == answers[1]) > 0.6) == kept


def test_two_of_every_four_weights_become_zero_in_every_model(model, faces, capsys):
    result = sparsify(model, faces.split("train"), replace(QUICK, sparsity="2:4", epochs=1))
    assert result.left_out == ("stage1_1_conv",)  # it reads one channel
    assert "2:4 leaves out stage1_1_conv" in capsys.readouterr().err
    assert set(result.layers.values()) == {0.5}
    assert len(result.layers) == 5
    require_sparse(kernels_in(to_float(result.model)), "2:4", "conversion")
    require_sparse(kernels_in(to_int8(result.model, faces.patches)), "2:4", "conversion")


def test_two_of_four_must_fit_a_layer(faces):
    layers = keras.layers
    given = keras.Input((16, 16, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3)(given))
    with pytest.raises(BundleError, match="2:4 fits no layer"):
        sparsify(keras.Model(given, layers.Dense(7)(x)), faces, replace(QUICK, sparsity="2:4"))


def test_a_layer_that_misses_the_sparsity_is_named(faces):
    # Equal weights that never get a gradient cannot be told apart by size: none becomes zero.
    layers = keras.layers
    given = keras.Input((16, 16, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(given))
    x = layers.Rescaling(0.0)(x)
    stuck = layers.Dense(7, activation="softmax", kernel_initializer="ones", name="stuck")(x)
    with pytest.raises(BundleError, match=r"after pruning .* missed by stuck \(0.00\)"):
        sparsify(keras.Model(given, stuck), faces, QUICK)


def test_faces_without_a_train_split_are_refused(model, faces):
    with pytest.raises(DataError, match="no split 'train'"):
        sparsify(model, faces.split("val"), QUICK)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sparsity": "0.96"},
        {"sparsity": "-0.1"},
        {"sparsity": "0"},
        {"sparsity": "nan"},
        {"sparsity": "half"},
        {"sparsity": "1:4"},
        {"clusters": 1},
        {"clusters": 256},
        {"epochs": 0},
        {"rate": 0.0},
        {"teacher": 2},
        {"precision": "int4"},
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(EdgeferError):
        ExportRecipe(**wrong)
