# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest
from toys import shorten_resnet50

pytest.importorskip("tensorflow", reason="pruning needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.errors import DataError, EdgeferError
from edgefer.export.audit import audit
from edgefer.export.channels import Network
from edgefer.export.convert import to_float
from edgefer.export.cut import cut, plan
from edgefer.export.prune import prune
from edgefer.export.rank import rank
from edgefer.export.recipe import ExportRecipe
from edgefer.keras import keras, load_model, probabilities
from edgefer.train.backbones.resnet50 import resnet50
from edgefer.train.backbones.vgg import vgg
from edgefer.train.backbones.vgg19 import vgg19
from edgefer.train.backbones.vgg_hufs import vgg_hufs, vgg_hufs_gap

QUICK = ExportRecipe(macs=0.5, multiple=2, epochs=4, batch=32, rate=5e-3, precision="float32")


@pytest.fixture(scope="module")
def thinner(model, faces):
    return prune(model, faces, QUICK)


def random_network(build, size, **choices):
    """With weights as after training: no zeros, no ones."""
    keras.utils.set_random_seed(0)
    model, rng = build(5, size, **choices), np.random.default_rng(0)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for norm in norms:
        shape = norm.gamma.shape
        mean, others = rng.normal(0, 0.3, (2, *shape)), rng.uniform(0.5, 1.5, (2, *shape))
        norm.set_weights([others[0], mean[0], mean[1], others[1]])
    return model


def test_half_the_multiplications_are_left(thinner, model):
    before, after = thinner.macs
    assert before == audit(to_float(model)).macs
    assert after == audit(to_float(thinner.model)).macs
    assert 0.4 * before < after <= 0.5 * before


def test_it_still_reads_the_faces(thinner):
    assert thinner.before.accuracy > 0.9  # the toys are easy
    assert thinner.after.accuracy > 0.6  # one in seven by chance


def test_the_widths_are_told_and_stay_multiples(thinner, model):
    old, new = (Network.of(one).channels for one in (model, thinner.model))
    changed = {
        a.name: (a.width, b.width) for a, b in zip(old, new, strict=True) if a.width != b.width
    }
    assert thinner.widths == changed
    assert all(after % 2 == 0 for _, after in changed.values())


def test_the_network_given_stays_as_it_is(model, faces):
    weights = [value.copy() for value in model.get_weights()]
    prune(model, faces, replace(QUICK, epochs=1))
    assert all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))


def test_a_thinner_network_is_read_from_its_file_like_any_other(thinner, faces, tmp_path):
    thinner.model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert (
        probabilities(again, faces.patches) == probabilities(thinner.model, faces.patches)
    ).all()


@pytest.mark.parametrize(
    ("build", "size", "width"),
    [
        (vgg, 16, 8),
        (vgg19, 32, 4),
        (vgg_hufs, 36, 4),  # normalization behind ReLU, flattened into dense layers
        (vgg_hufs_gap, 36, 4),
        (resnet50, 33, 4),  # the channels of a stage are added up
    ],
)
def test_what_was_silent_can_be_cut_without_a_trace(build, size, width, monkeypatch):
    shorten_resnet50(monkeypatch)
    # Channels whose every outcome is zero: without them the answers must be the same.
    model = random_network(build, size, width=width)
    network = Network.of(model)
    kept = {}
    for i, each in enumerate(network.channels):
        if each.fixed:
            continue
        rows = np.random.default_rng(i).permutation(each.width)
        silent, kept[i] = rows[: each.width // 2], np.sort(rows[each.width // 2 :])
        for name in each.norms or each.makers:
            values = model.get_layer(name).get_weights()
            for value in values[:2]:
                value[..., silent] = 0
            model.get_layer(name).set_weights(values)
    thin = cut(model, network, kept)
    patches = np.random.default_rng(9).integers(0, 256, (4, size, size), np.uint8)
    np.testing.assert_allclose(
        probabilities(thin, patches), probabilities(model, patches), atol=1e-5
    )
    assert Network.of(thin).macs() < 0.6 * network.macs()


@pytest.mark.parametrize("way", ["taylor", "norm", "l1"])
def test_a_channel_without_effect_is_worth_least(model, faces, way):
    keras.utils.set_random_seed(0)
    hurt = model.__class__.from_config(model.get_config())
    hurt.set_weights(model.get_weights())
    conv, norm = hurt.get_layer("stage2_1_conv"), hurt.get_layer("stage2_1_norm")
    kernel, values = conv.get_weights()[0], norm.get_weights()
    kernel[..., 3] *= 1e-4
    values[0][3] = values[1][3] = 1e-5
    conv.set_weights([kernel])
    norm.set_weights(values)
    network = Network.of(hurt)
    scores = rank(hurt, network, faces.split("train"), replace(QUICK, rank=way))
    at = [each.name for each in network.channels].index("stage2_1_conv")
    assert scores[at].argmin() == 3
    assert scores[at].min() < 0.05 * np.median(scores[at])


def test_the_cheapest_loss_goes_first_and_widths_end_on_multiples():
    network = Network.of(vgg(7, 48, width=24, depth=4))
    scores = [np.ones(each.width) for each in network.channels]
    at = [each.name for each in network.channels].index("stage3_1_conv")
    scores[at][:] = 1e-6  # worth nothing
    kept = plan(network, scores, 0.9 * network.macs(), 16)
    assert list(kept) == [at]
    assert len(kept[at]) % 16 == 0


def test_the_best_channels_are_kept_in_their_order():
    network = Network.of(vgg(7, 48, width=8, depth=4))
    rng = np.random.default_rng(0)
    scores = [rng.random(each.width) for each in network.channels]
    for i, kept in plan(network, scores, 0.5 * network.macs(), 4).items():
        assert (np.diff(kept) > 0).all()
        lost = np.setdiff1d(np.arange(len(scores[i])), kept)
        assert scores[i][kept].min() > scores[i][lost].max()


def test_more_than_can_be_cut_is_refused_before_anything_long_begins(model, faces):
    with pytest.raises(EdgeferError, match=r"cannot be made that thin.*smaller --multiple"):
        prune(model, faces, replace(QUICK, macs=0.1, multiple=16))


def test_faces_without_a_train_split_are_refused(model, faces):
    with pytest.raises(DataError, match="no split 'train'"):
        prune(model, faces.split("val"), QUICK)
