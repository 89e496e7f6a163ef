# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest
from toys import toy_face, toy_model

pytest.importorskip("tensorflow", reason="quantization-aware training needs TensorFlow")
pytestmark = pytest.mark.train

from ai_edge_litert.interpreter import OpResolverType
from tflite_runtime_answers import theirs

from edgefer.errors import BundleError, EdgeferError
from edgefer.export.audit import audit, require_int8
from edgefer.export.check import Check, answers, xnnpack
from edgefer.export.convert import to_int8
from edgefer.export.kernels import kernels_in, kernels_of, require_clusters, require_sparse
from edgefer.export.qat import qat
from edgefer.export.recipe import ExportRecipe
from edgefer.export.rungs import Workshop
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.keras import keras, probabilities
from edgefer.labels import FER7

L = keras.layers
QUICK = ExportRecipe(sparsity="0.5", clusters=7, epochs=2, batch=32, rate=5e-3)


@pytest.fixture(scope="module")
def model(faces):
    """A sparse and clustered network: the small half of the weights zero, the others on a grid."""
    model = toy_model(faces)
    for name in kernels_of(model):
        kernel, *rest = model.get_layer(name).get_weights()
        step = np.abs(kernel).max() / 3
        grid = np.sign(kernel) * np.ceil(np.abs(kernel) / step) * step
        grid[np.abs(kernel) <= np.median(np.abs(kernel))] = 0
        if name == "stage2_1_conv":
            grid[..., 0] = 0  # a range of nothing
        model.get_layer(name).set_weights([grid, *rest])
    # The normalizations take in what the grid changed.
    model.compile(keras.optimizers.Adam(0.0), "sparse_categorical_crossentropy")
    train = faces.split("train")
    pixels = train.patches[..., None].astype(np.float32)
    model.fit(pixels, train.targets, 32, 20, verbose=0)
    return model


@pytest.fixture(scope="module")
def weights(model):
    return model.get_weights()


@pytest.fixture(scope="module")
def aware(model, weights, faces):
    return qat(model, faces, QUICK, calibration=faces.split("train").patches)


def test_the_file_is_whole_in_integers_and_takes_the_patch(aware):
    found = audit(aware.int8)
    require_int8(found)
    given, answer = found.tensors[found.inputs[0]], found.tensors[found.outputs[0]]
    assert (given.dtype, given.scale, given.zero_point) == ("uint8", 1.0, 0)
    assert (answer.dtype, answer.scale, answer.zero_point) == ("uint8", 1 / 256, 0)
    assert xnnpack(aware.int8)["pieces"] == 1


def test_it_is_the_last_rung_and_tells_what_training_did(model, faces, capsys):
    recipe = replace(QUICK, int8=True, rung="qat", epochs=1)
    (rung,) = Workshop(model, faces.split("train").patches, recipe, FER7, faces).rungs()
    made = rung.make()
    assert (rung.name, made.kept, made.trained) == ("qat", (), True)
    require_int8(audit(made.model))
    require_sparse(kernels_in(made.model), "0.5", "conversion")
    assert " before training for int8; after it " in capsys.readouterr().err


def test_without_faces_to_train_on_there_is_no_such_rung(model, faces, capsys):
    recipe = replace(QUICK, int8=True, rung="qat")
    val = faces.split("val")
    assert list(Workshop(model, val.patches, recipe, FER7, val).rungs()) == []
    assert "qat is left out: there is no train split to train on" in capsys.readouterr().err


def test_the_file_answers_as_the_network_that_was_trained(aware, faces):
    assert aware.check.agreement > 0.98
    assert aware.check.mean < 0.005
    twin = Check.of(probabilities(aware.twin, faces.patches), answers(aware.int8, faces.patches))
    assert twin.agreement > 0.9
    assert aware.after.accuracy > aware.before.accuracy - 0.1


def test_zeros_and_clusters_are_still_there(aware, model):
    for kernels in (kernels_in(aware.int8), kernels_of(aware.twin)):
        assert len(kernels) == 6  # five convolutions and the head
        require_sparse(kernels, "0.5", "training")
        require_clusters(kernels, 7, "training")
    before, after = kernels_of(model)["probabilities"], kernels_of(aware.twin)["probabilities"]
    assert ((before == 0) == (after == 0)).all()
    assert np.abs(before - after).max() > 1e-4  # and yet it was trained


def test_ranges_begin_where_the_faces_are(aware, model, faces):
    plain = to_int8(model, faces.split("train").patches)
    outputs = [
        [found.tensors[step.outputs[0]].scale for step in found.operators]
        for found in (audit(plain), audit(aware.int8))
    ]
    ratio = np.divide(*outputs)
    assert ratio.min() > 0.5
    assert ratio.max() < 2


def test_the_network_given_stays_as_it_is(model, weights, aware):
    assert all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))


def odd_network():
    """Convolution -> ReLU -> normalization, padding, an addition, two dense layers."""
    given = keras.Input((16, 16, 1))
    x = L.ZeroPadding2D(1)(L.Rescaling(1 / 255)(given))
    x = L.BatchNormalization()(L.Conv2D(8, 3, activation="relu")(x))
    side = L.BatchNormalization()(L.Conv2D(8, 3, padding="same", activation="relu")(x))
    x = L.ReLU()(L.Add()([L.MaxPooling2D()(x), L.Conv2D(8, 3, 2, padding="same")(side)]))
    x = L.Dropout(0.2)(L.Dense(8, activation="relu")(L.Flatten()(x)))
    model = keras.Model(given, L.Dense(7, activation="softmax")(x))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            signs = rng.choice([-1, 1], 8) * rng.uniform(0.5, 1, 8)
            layer.set_weights([signs, *rng.normal(0, 0.2, (2, 8)), rng.uniform(0.1, 0.5, 8)])
    return model


@pytest.fixture
def narrow(tmp_path):
    """Faces without black and white, all to train on."""
    rng = np.random.default_rng(0)
    with write_faceset(tmp_path / "narrow", FER7, 16, source="toys") as writer:
        for i in range(21):
            face = (toy_face(i % 7, rng) // 8 + 100).astype(np.uint8)
            writer.add(face, FER7.names[i % 7], split="train")
    return FaceSet.load(tmp_path / "narrow")


def test_other_orders_of_layers_and_faces_of_a_narrow_range_are_taken(narrow):
    keras.utils.set_random_seed(0)
    made = qat(odd_network(), narrow, replace(QUICK, sparsity="", clusters=0, epochs=1))
    found = audit(made.int8)
    assert found.tensors[found.inputs[0]].scale == 1.0
    assert {"ADD", "DEPTHWISE_CONV_2D"} <= {step.name for step in found.operators}
    assert made.check.mean < 0.005
    assert (made.before, made.twin_score, made.after) == (None, None, None)  # no val split


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (L.Activation("selu"), "does not take this network: .*selu"),
        (L.ReLU(6.0), "leaves the weights of first in float"),
    ],
)
def test_layers_that_it_does_not_take_are_named(faces, layer, words):
    given = keras.Input((16, 16, 1))
    x = layer(L.Conv2D(4, 3, name="first")(given))
    model = keras.Model(given, L.Dense(7, activation="softmax")(L.GlobalAveragePooling2D()(x)))
    with pytest.raises(BundleError, match=words):
        qat(model, faces, QUICK)


def test_a_scale_for_each_output_of_a_dense_layer_is_refused(model, faces):
    with pytest.raises(EdgeferError, match="leave --per-channel-dense out"):
        qat(model, faces, replace(QUICK, per_channel_dense=True))


@pytest.mark.edge
def test_tflite_runtime_loads_it_and_agrees(aware, faces, tmp_path, tflite_python):
    found = theirs(tflite_python, tmp_path, aware.int8, faces.patches)
    # Their kernels are LiteRT's own, step by step; XNNPACK's round some sums otherwise.
    exact = answers(aware.int8, faces.patches, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    assert np.abs(found - exact).max() < 1e-6
    ours = answers(aware.int8, faces.patches)
    assert (found.argmax(axis=1) == ours.argmax(axis=1)).mean() > 0.97
