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
    return vgg(7, 16, width=24, depth=4)


@pytest.fixture(scope="module")
def network(model):
    return Network.of(model)


def even(network):
    return [np.ones(each.width) for each in network.channels]


def counted(model):
    """In place of a TFLite file: what it would cost."""
    return str(Network.of(model).macs()).encode()


def by_work(models):
    """A machine on which the time goes with the square root of the work, and some more."""
    return {name: 500 + int(macs) ** 0.5 for name, macs in models.items()}


def test_every_model_is_timed(model):
    found = milliseconds({"one": to_float(model), "other": to_float(vgg(7, 16, width=4))}, calls=20)
    assert set(found) == {"one", "other"}
    assert min(found.values()) > 0


@pytest.mark.parametrize("wanted", [0.9, 0.7])
def test_the_share_found_takes_the_time_and_no_less_than_can_be(model, network, wanted):
    tried = {}

    def timed(models):
        times = by_work(models)
        tried[int(models["thin"])] = times["thin"] / times["whole"]
        return times

    share = share_for(model, network, even(network), wanted, 4, counted, timed=timed)
    kept = max(macs for macs, ratio in tried.items() if ratio <= wanted)
    assert kept <= share * network.macs()
    assert kept > (share - 1 / 16) * network.macs()  # the interval was halved until so small
    assert max(tried.values()) > wanted


def test_a_time_that_no_thinner_network_keeps_is_refused(model, network):
    with pytest.raises(EdgeferError, match="no thinner network was found"):
        share_for(model, network, even(network), 0.05, 8, counted, timed=by_work)
