# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="networks need TensorFlow")
pytestmark = pytest.mark.train

from edgefer.errors import EdgeferError
from edgefer.export.channels import Network
from edgefer.export.convert import to_float
from edgefer.export.latency import milliseconds, share_for
from edgefer.train.backbones.vgg import vgg


@pytest.fixture(scope="module")
def model():
    return vgg(7, 48, width=24, depth=4)


def even(network):
    return [np.ones(each.width) for each in network.channels]


def test_every_model_is_timed(model):
    found = milliseconds({"one": to_float(model), "other": to_float(vgg(7, 16, width=4))})
    assert set(found) == {"one", "other"}
    assert all(0 < each < 1000 for each in found.values())


def test_a_share_of_the_time_becomes_a_share_of_the_work(model):
    network = Network.of(model)
    share = share_for(model, network, even(network), 0.9, 4, to_float)
    assert 0 < share < 1


def test_a_time_that_no_thinner_network_keeps_is_refused(model):
    network = Network.of(model)
    with pytest.raises(EdgeferError, match="no thinner network was found"):
        share_for(model, network, even(network), 0.001, 16, to_float)
