"""What several test modules need."""

import gc
import os
import signal
from pathlib import Path

import pytest
from brokers import Broker, Listener
from hypothesis import settings
from toys import toy_bundle, toy_faces, toy_model

# Speed is for benchmarks; a busy machine fails no test.
settings.register_profile("edgefer", deadline=None)
settings.load_profile("edgefer")

# A job that a shell runs in the background ignores Ctrl-C, and so would all that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_finish():
    """Spare 400,000 objects of TensorFlow's, which stay, every search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; ``EDGEFER_SHARED`` names another."""
    folder = Path(os.environ.get("EDGEFER_SHARED", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(scope="session")
def tflite_python() -> Path:
    """The Python of the environment that holds tflite-runtime and no TensorFlow."""
    python = ROOT / ".venv-tflite" / "bin" / "python"
    if not python.exists():
        pytest.skip("no .venv-tflite: make setup")
    return python


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A tab of headless Chromium."""
    from chromium import Page

    with Page(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Drawn faces; a module with wishes of its own draws its own, and the next three follow."""
    return toy_faces(tmp_path_factory.mktemp("toys") / "faces")


@pytest.fixture(scope="module")
def model(faces):
    """A network that has seen the faces."""
    pytest.importorskip("tensorflow", reason="networks need TensorFlow")
    return toy_model(faces)


@pytest.fixture(scope="module")
def trained(model, faces, tmp_path_factory):
    """The network's bundle."""
    return toy_bundle(tmp_path_factory.mktemp("toys") / "trained", model, faces)


@pytest.fixture(scope="module")
def calibration(faces, tmp_path_factory):
    """Some of the faces, to calibrate on."""
    from edgefer.export.calibration import make_calibration

    return make_calibration(faces, tmp_path_factory.mktemp("toys") / "calibration", per_emotion=8)


@pytest.fixture
def nothing_is_left():
    """Afterwards there are no more threads, open files and processes than before."""
    from live_sources import held, no_more
    from waiting import until

    before = held()
    yield
    until(lambda: no_more(before))  # a server's thread may be the last


@pytest.fixture
def broker(tmp_path):
    """A real MQTT broker of the test's own."""
    made = Broker(tmp_path / "broker")
    yield made
    made.close()


@pytest.fixture
def listener(broker):
    """Somebody who listens to all that the tests' sinks publish there."""
    made = Listener(broker.port, "room/#")
    yield made
    made.close()
