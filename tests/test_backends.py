"""The TFLite runtimes: right answers, in batches of any size, and clear words about bad models."""

import subprocess
import sys

import numpy as np
import pytest
from tiny_tflite import LABELS, SIZE, band, tiny_tflite

from edgefer.edge.backends import open_backend
from edgefer.errors import BackendError, EdgeferError

pytestmark = pytest.mark.edge

KINDS = [np.float32, np.uint8]


@pytest.fixture(params=KINDS, ids=["float", "int8"])
def model(request) -> bytes:
    return tiny_tflite(request.param)


def random_patches(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE)).astype(np.uint8)


@pytest.mark.parametrize("name", ["auto", "litert", "builtin"])
def test_a_model_says_what_it_sees(name, model):
    backend = open_backend(name, model)
    answers = backend(np.stack([band(2), band(0), band(1)]))
    assert (backend.size, backend.classes) == (SIZE, len(LABELS))
    assert answers.dtype == np.float32
    assert answers.argmax(axis=1).tolist() == [2, 0, 1]


def test_probabilities_sum_to_one(model):
    sums = open_backend("auto", model)(random_patches(50)).sum(axis=1)
    np.testing.assert_allclose(sums, 1, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 5, 64, 65, 200])
def test_an_answer_does_not_depend_on_the_batch(model, count):
    backend = open_backend("auto", model)
    patches = random_patches(count)
    together = backend(patches)
    alone = np.concatenate([backend(patch[None]) for patch in patches])
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_int8_is_read_with_the_scale_of_its_output():
    # Logits 0 and 3.2 on steps of 1/32; the softmax of (3.2, 0, 0) on steps of 1/256.
    exact = np.exp([3.2, 0, 0]) / np.exp([3.2, 0, 0]).sum()
    answer = open_backend("builtin", tiny_tflite(np.uint8))(band(0)[None])
    np.testing.assert_allclose(answer[0], exact, atol=1 / 256)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (b"", "lacks the mark TFL3"),
        (b"not a model at all", "lacks the mark TFL3"),
        (tiny_tflite(np.uint8)[:-300], "cannot load the model"),
        (tiny_tflite(np.uint8)[:8] + bytes(400), "cannot load the model"),
        (tiny_tflite(np.uint8, scale=0.94), "of scale 0.94 and zero point 0, expected uint8"),
        (tiny_tflite(np.float32, channels=3), r"takes \[1, 12, 12, 3\] and gives \[1, 3\]"),
    ],
    ids=["empty", "text", "cut short", "zeros", "scale", "color"],
)
def test_a_model_that_does_not_fit_is_refused(model, message):
    with pytest.raises(BackendError, match=message):
        open_backend("litert", model)


def test_an_unknown_runtime_is_refused_with_the_known_ones(model):
    with pytest.raises(EdgeferError, match="Built in: litert, tflite-runtime, builtin"):
        open_backend("onnx", model)


class Echo:
    """A runtime of one's own."""

    size, classes = 4, 2

    def __init__(self, model: bytes, threads: int) -> None:
        self.given = model, threads

    def __call__(self, patches):
        return np.zeros((len(patches), 2), np.float32)


def test_a_runtime_of_ones_own_is_found_by_its_name():
    assert open_backend("test_backends:Echo", b"weights", threads=3).given == (b"weights", 3)


@pytest.mark.skipif(int(np.__version__.split(".")[0]) < 2, reason="NumPy 1 is what it wants")
def test_tflite_runtime_under_numpy_2_is_refused_before_it_breaks(model):
    with pytest.raises(BackendError, match="built for NumPy 1"):
        open_backend("tflite-runtime", model)


def test_no_runtime_at_all_says_what_to_install():
    program = (
        "import sys\n"
        "sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None\n"
        "from edgefer.edge.backends import open_backend\n"
        "from edgefer.errors import BackendError\n"
        "try:\n    open_backend('auto', b'')\nexcept BackendError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "pip install '.[edge]' in edgefer's checkout" in done.stdout, done.stderr


def test_int8_is_to_the_bit_the_same_in_tflite_runtime(tflite_python, tmp_path):
    model, patches = tiny_tflite(np.uint8), random_patches(40)
    (tmp_path / "model.tflite").write_bytes(model)
    np.save(tmp_path / "patches.npy", patches)
    program = (
        "import sys, numpy as np\n"
        "from edgefer.edge.backends import open_backend\n"
        "backend = open_backend('auto', open('model.tflite', 'rb').read())\n"
        "np.save('answers.npy', backend(np.load('patches.npy')))\n"
    )
    subprocess.run([tflite_python, "-c", program], cwd=tmp_path, check=True)
    other = np.load(tmp_path / "answers.npy")
    assert (open_backend("builtin", model)(patches) == other).all()
