# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import pytest

pytest.importorskip("tensorflow", reason="networks need TensorFlow")
pytestmark = pytest.mark.train

from edgefer.export.audit import audit
from edgefer.export.channels import Network
from edgefer.export.convert import to_float
from edgefer.keras import keras
from edgefer.train.backbones.resnet50 import resnet50
from edgefer.train.backbones.vgg import vgg
from edgefer.train.backbones.vgg_hufs import vgg_hufs

LAYERS = keras.layers


def by_maker(network):
    return {maker: each for each in network.channels for maker in each.makers}


@pytest.mark.parametrize(
    "model",
    [
        vgg(7, 48, width=4, depth=9),
        vgg_hufs(5, 48, width=4),  # flattened into dense layers
    ],
    ids=lambda model: model.name,
)
def test_the_cost_is_what_the_tflite_file_costs(model):
    assert Network.of(model).macs() == audit(to_float(model)).macs


def test_strides_and_padding_are_counted():
    # Converted once: what `audit` says of its float file.
    assert Network.of(resnet50(5, 96)).macs() == 703_220_224


def test_a_convolutions_channels_run_to_the_next_convolution():
    found = by_maker(Network.of(vgg(7, 48, width=4)))["stage1_2_conv"]
    assert found.norms == found.scalers == ["stage1_2_norm"]
    assert found.readers == {"stage2_1_conv": 1}  # through ReLU, pooling and dropout
    assert (found.fixed, found.scalable) == (False, True)


def test_channels_that_are_added_stand_or_fall_together():
    found = by_maker(Network.of(resnet50(5, 48, width=4)))
    stage = found["stage2_1_0_conv"]
    assert stage.makers == ["stage2_1_0_conv", *(f"stage2_{i}_3_conv" for i in (1, 2, 3))]
    assert stage.scalers == stage.norms == [name.replace("conv", "norm") for name in stage.makers]
    assert "stage3_1_0_conv" in stage.readers
    assert found["stage2_2_1_conv"].makers == ["stage2_2_1_conv"]


def test_a_flattened_channel_is_read_at_every_place_of_the_picture():
    found = by_maker(Network.of(vgg_hufs(5, 48, width=4)))
    assert found["stage4_2_conv"].readers == {"dense1": 4}  # 2x2 pixels are left of 48x48


def test_pixels_and_answers_are_not_to_be_cut():
    network = Network.of(vgg(7, 48, width=4))
    assert [each.name for each in network.channels if each.fixed] == ["faces", "probabilities"]


def test_what_an_unknown_layer_reads_is_left_alone():
    faces = keras.Input((16, 16, 1))
    x = LAYERS.Conv2D(8, 3, name="read")(faces)
    y = LAYERS.Conv2D(8, 3, name="joined")(faces)
    x = LAYERS.Concatenate()([x, y])
    x = LAYERS.Conv2D(8, 3, name="free")(x)
    x = LAYERS.Dense(7, name="answer")(LAYERS.GlobalAveragePooling2D()(x))
    found = by_maker(Network.of(keras.Model(faces, x)))
    assert [found[name].fixed for name in ("read", "joined", "free")] == [True, True, False]


@pytest.mark.parametrize(
    ("layer", "scalable"),
    [
        (LAYERS.ReLU(), True),
        (LAYERS.ReLU(6), False),  # a factor would move where it is cut off
        (LAYERS.Activation("tanh"), False),
        (LAYERS.AveragePooling2D(), True),
    ],
)
def test_a_factor_goes_only_through_layers_that_keep_it(layer, scalable):
    faces = keras.Input((16, 16, 1))
    x = layer(LAYERS.Conv2D(8, 3, name="made")(faces))
    model = keras.Model(faces, LAYERS.Dense(7)(LAYERS.Flatten()(x)))
    assert by_maker(Network.of(model))["made"].scalable == scalable
