# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from toys import SMALLEST

pytest.importorskip("tensorflow", reason="networks need TensorFlow")
pytestmark = pytest.mark.train

from tflite_runtime_answers import theirs

from edgefer.cli import edgefer
from edgefer.errors import EdgeferError
from edgefer.export.audit import audit, require_int8
from edgefer.export.check import answers
from edgefer.export.convert import to_float, to_int8
from edgefer.keras import keras, load_model, probabilities
from edgefer.train.backbones import BACKBONES
from edgefer.train.backbones.imagenet import MEANS, start_from_imagenet
from edgefer.train.base import build_network, spelled_out
from edgefer.train.presets import FINISH, PRESETS, preset
from edgefer.train.recipe import TrainRecipe

STAGES = {"vgg": 4, "vgg_hufs": 4, "vgg_hufs_gap": 4, "vgg19": 5, "resnet50": 5}


@pytest.mark.parametrize(
    ("name", "size", "classes", "parameters"),
    [
        ("vgg_hufs", 224, 5, 93_561_285),  # as in the work
        ("vgg_hufs_gap", 224, 5, 4_694_469),
        ("resnet50", 96, 5, 32_995_141),  # "33.0 M"
        ("vgg19", 48, 7, 20_043_335),
        ("vgg", 48, 7, 1_176_359),
    ],
)
def test_every_network_has_its_parameters(name, size, classes, parameters):
    assert build_network(TrainRecipe(backbone=name), classes, size).count_params() == parameters


@pytest.mark.parametrize(
    ("width", "depth", "stages"),
    [(8, 4, (1, 1, 1, 1)), (8, 6, (1, 1, 2, 2)), (16, 8, (2, 2, 2, 2)), (8, 11, (2, 3, 3, 3))],
)
def test_a_vgg_is_as_wide_and_deep_as_asked(width, depth, stages):
    model = build_network(TrainRecipe(width=width, depth=depth), 7, 48)
    convs = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [conv.filters for conv in convs] == [
        width * 2**i for i, count in enumerate(stages) for _ in range(count)
    ]


@pytest.fixture(scope="module", params=sorted(BACKBONES))
def trained(request):
    """A narrow one of each, after some steps; its name and faces."""
    size = SMALLEST[request.param]
    keras.utils.set_random_seed(0)
    model = build_network(TrainRecipe(backbone=request.param, width=4), 3, size)
    faces = np.random.default_rng(0).integers(0, 256, (32, size, size), np.uint8)
    before = model.get_weights()
    # Step by step: to trace one takes a ResNet-50 longer than to take all of them.
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", run_eagerly=True)
    losses = model.fit(
        faces[..., None].astype(np.float32), np.arange(32) % 3, 16, 2, verbose=0
    ).history["loss"]
    model.run_eagerly = False
    assert np.isfinite(losses).all()
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    return request.param, model, faces


def test_every_network_comes_back_as_it_was_saved(trained, tmp_path):
    _, model, faces = trained
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert np.array_equal(probabilities(again, faces), probabilities(model, faces))


def test_every_network_has_stages_to_freeze_and_a_dense_layer_that_answers(trained):
    name, model, _ = trained
    stages = {layer.name.split("_")[0] for layer in model.layers if layer.name.startswith("stage")}
    assert stages == {f"stage{number}" for number in range(1, STAGES[name] + 1)}
    assert isinstance(model.layers[-1], keras.layers.Dense)
    assert not any(
        isinstance(layer, keras.layers.Conv2D) and not layer.name.startswith("stage")
        for layer in model.layers
    )


def test_every_network_but_the_hufs_ones_normalizes_before_the_relu(trained):
    name, model, _ = trained
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            (node,) = layer.outbound_nodes
            assert isinstance(node.outbound_layer, keras.layers.BatchNormalization)
            assert layer.get_config()["activation"] == (
                "relu" if name.startswith("vgg_hufs") else "linear"
            )


# The others go through the whole export in test_export_networks.py.
@pytest.mark.parametrize("trained", ["vgg", "vgg_hufs"], indirect=True)
def test_a_network_is_whole_in_int8_and_runs_in_both_runtimes(trained, tmp_path, tflite_python):
    _, model, faces = trained
    data = to_int8(model, faces[:8])
    require_int8(audit(data))
    ours = answers(data, faces)
    assert np.abs(answers(to_float(model), faces) - probabilities(model, faces)).max() < 1e-4
    assert np.abs(ours - probabilities(model, faces)).mean() < 0.1
    assert np.abs(theirs(tflite_python, tmp_path, data, faces) - ours).mean() < 0.1


@pytest.mark.parametrize(
    ("choices", "size", "message"),
    [
        ({"depth": 3}, 48, "a depth of 3 cannot fill"),
        ({"backbone": "resnet50", "depth": 8}, 96, "has no depth to choose: leave --depth out"),
        ({"backbone": "vgg19"}, 16, "patches of 32 pixels or more"),
        ({"backbone": "vgg_hufs"}, 24, "patches of 36 pixels or more"),
        ({"backbone": "vgg99"}, 48, "'vgg99' is not known. Did you mean vgg19"),
        ({"backbone": "mine"}, 48, "Built in: vgg, vgg_hufs, vgg_hufs_gap, vgg19, resnet50"),
    ],
)
def test_what_a_network_cannot_be_is_one_error(choices, size, message):
    with pytest.raises(EdgeferError, match=message):
        build_network(TrainRecipe(**choices), 7, size)


@pytest.mark.parametrize(("name", "size"), [("resnet50", 64), ("vgg19", 64)])
def test_imagenet_weights_give_keras_s_features_of_grey_pictures(tmp_path, name, size):
    made = {"resnet50": keras.applications.ResNet50, "vgg19": keras.applications.VGG19}[name]
    theirs = made(include_top=False, weights=None, input_shape=(size, size, 3))
    rng = np.random.default_rng(0)
    for layer in theirs.layers:  # as if they had been trained
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, len(value)) for value in layer.get_weights()])
        elif layer.get_weights():
            kernel, bias = layer.get_weights()
            if kernel.shape[2] == 3:  # so that it does not matter what stands beside the picture
                middle = kernel.shape[0] // 2
                kernel = kernel * (np.indices(kernel.shape)[:2] == middle).all(axis=0)
            layer.set_weights([kernel, rng.normal(0, 0.1, len(bias))])
    theirs.save_weights(tmp_path / "weights.h5")
    model = build_network(TrainRecipe(backbone=name), 7, size)
    start_from_imagenet(model, tmp_path / "weights.h5")
    last = {"resnet50": "stage5_3_relu", "vgg19": "stage5_pool"}[name]
    ours = keras.Model(model.input, model.get_layer(last).output)
    pictures = rng.integers(0, 256, (2, size, size, 1)).astype(np.float32)
    expected = theirs.predict(np.repeat(pictures, 3, axis=-1) - MEANS, verbose=0)
    found = ours.predict(pictures, verbose=0)
    assert np.abs(expected).mean() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_imagenet_weights_that_do_not_fit_are_one_error(tmp_path):
    (tmp_path / "text.h5").write_text("no weights")
    network = build_network(TrainRecipe(backbone="vgg19"), 7, 48)
    with pytest.raises(EdgeferError, match="Expected is vgg19_weights"):
        start_from_imagenet(network, tmp_path / "text.h5")
    with pytest.raises(EdgeferError, match="fit resnet50 and vgg19, not vgg"):
        start_from_imagenet(build_network(TrainRecipe(), 7, 48), tmp_path / "text.h5")
    keras.applications.VGG19(include_top=False, weights=None).save_weights(tmp_path / "vgg19.h5")
    narrow = build_network(TrainRecipe(backbone="vgg19", width=8), 7, 48)
    with pytest.raises(EdgeferError, match="Leave --width out"):
        start_from_imagenet(narrow, tmp_path / "vgg19.h5")


def test_presets_are_recipes_and_a_transfer_keeps_its_network():
    for name in PRESETS | FINISH:
        TrainRecipe(**preset(name))
        assert "backbone" not in preset(name, transfer=True)
    assert TrainRecipe(**preset("best")) == TrainRecipe()
    hufs = TrainRecipe(**preset("hufs"))
    assert (hufs.batch, hufs.rate, hufs.lower, hufs.lower_after, hufs.patience) == (
        8,
        1e-4,
        0.5,
        3,
        5,
    )
    korean = replace(hufs, **preset("hufs", transfer=True))
    assert (korean.lower, korean.lower_after, korean.patience) == (0.1, 5, 10)


@pytest.mark.parametrize(
    ("schedule", "flag"),
    [("cosine", "--lower"), ("cosine", "--lower-after"), ("plateau", "--warmup")],
)
def test_an_option_of_the_other_schedule_is_told_of(tmp_path, schedule, flag):
    words = ["train", "base", str(tmp_path), "-o", str(tmp_path / "out"), "--schedule", schedule]
    said = f"{flag} does nothing with --schedule {schedule}"
    assert said in CliRunner().invoke(edgefer, [*words, flag, "1"]).output
    assert said not in CliRunner().invoke(edgefer, words).output


def test_what_a_recipe_leaves_to_the_network_can_be_spelled_out():
    own = spelled_out(TrainRecipe(width=16))
    assert (own.width, own.depth, own.dropout) == (16, 8, 0.4)
    own = spelled_out(TrainRecipe(backbone="resnet50"))
    assert (own.width, own.depth, own.dropout) == (64, None, 0.0)
