"""The door to Keras: what it lets in."""

import json
import zipfile

import numpy as np
import pytest

from edgefer.bundle import Bundle
from edgefer.errors import BundleError

pytest.importorskip("tensorflow", reason="Keras models need TensorFlow")
pytestmark = pytest.mark.train


def hostile(mark, path):
    """A network that creates a file when it is read."""
    from edgefer.keras import keras

    faces = keras.Input((2,))
    answer = keras.layers.Lambda(
        lambda x, mark=str(mark): [open(mark, "w").close(), x][1], output_shape=(2,)
    )(faces)
    keras.Model(faces, answer).save(path)
    mark.unlink(missing_ok=True)


def rewritten(source, path, change):
    """A copy of a ``.keras`` archive with another description."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                about = json.loads(data)
                change(about)
                data = json.dumps(about).encode()
            new.writestr(name, data)
    return path


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_code_in_an_hdf5_file_under_another_name_does_not_run(tmp_path):
    from edgefer.keras import keras, load_model

    hostile(tmp_path / "ran", tmp_path / "model.h5")
    (tmp_path / "model.h5").rename(tmp_path / "model.keras")
    with pytest.raises(BundleError, match=r"model\.keras .* expected the archive"):
        load_model(tmp_path / "model.keras")
    assert not (tmp_path / "ran").exists()
    # The danger is real: Keras itself runs it.
    keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    assert (tmp_path / "ran").exists()


def test_code_in_a_keras_archive_does_not_run(tmp_path):
    from edgefer.keras import load_model

    hostile(tmp_path / "ran", tmp_path / "model.keras")
    with pytest.raises(BundleError, match=r"keras\.layers\.Lambda"):
        load_model(tmp_path / "model.keras")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"module": "os", "class_name": "system"},
        {"module": "keras.layers", "class_name": "TFOpLambda"},
        {"module": "builtins", "class_name": "function"},
        {"module": None, "class_name": "Own"},
    ],
)
def test_a_part_that_is_not_of_keras_is_named(tmp_path, change):
    from edgefer.keras import load_model

    path = rewritten(
        Bundle.load().path("keras"),
        tmp_path / "model.keras",
        lambda about: about["config"]["layers"][2]["config"]["kernel_initializer"].update(change),
    )
    with pytest.raises(BundleError, match=change["class_name"]):
        load_model(path)


def test_a_cut_off_model_is_one_error(tmp_path):
    from edgefer.keras import load_model

    whole = Bundle.load().path("keras").read_bytes()
    (tmp_path / "model.keras").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BundleError, match="read safely"):
        load_model(tmp_path / "model.keras")


def test_the_packaged_model_is_let_in():
    from edgefer.keras import load_model, probabilities

    model = load_model(Bundle.load().path("keras"))
    assert probabilities(model, np.zeros((3, 48, 48), np.uint8)).shape == (3, 7)


def test_float16_scales_the_loss():
    from edgefer.keras import keras, scaled

    kind = keras.mixed_precision.LossScaleOptimizer
    assert isinstance(scaled(keras.optimizers.Adam(), "mixed_float16"), kind)
    assert not isinstance(scaled(keras.optimizers.Adam(), "float32"), kind)
