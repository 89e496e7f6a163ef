"""Golden vectors: what a runtime must answer, and who is refused when it does not."""

import io
import os
import pickle
import re
import subprocess
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_tflite import LABELS, SIZE, bundle_with, tiny_bundle, tiny_tflite

from edgefer.bundle import Bundle
from edgefer.edge.backends import open_backend
from edgefer.edge.classifier import Classifier
from edgefer.errors import BackendError, BundleError
from edgefer.export.golden import FACES, make_golden
from edgefer.golden import Golden

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
MODELS = {"float": tiny_tflite(np.float32), "int8": tiny_tflite(np.uint8)}


@pytest.fixture(scope="module")
def golden():
    return make_golden(MODELS, SIZE)


@pytest.fixture(scope="module")
def packaged():
    """Golden vectors of the packaged bundle, whose model knows faces."""
    bundle = Bundle.load()
    return make_golden({role: bundle.read(role) for role in ("float", "int8")}, bundle.size)


@pytest.fixture
def bundle(golden, tmp_path):
    saved = golden.save(tmp_path / "saved.npz").read_bytes()
    return bundle_with(tmp_path, "golden", "golden.npz", saved)


class Wrong:
    """A runtime that loads every model and takes each emotion for the next."""

    def __init__(self, model: bytes, threads: int) -> None:
        self._right = open_backend("builtin", model)
        self.size, self.classes = self._right.size, self._right.classes

    def __call__(self, patches):
        return np.roll(self._right(patches), 1, axis=1)


@pytest.mark.parametrize("role", ["float", "int8"])
def test_the_answers_are_those_of_the_builtin_kernels(golden, role):
    answers = open_backend("builtin", MODELS[role])(golden.patches)
    assert golden.patches.shape == (FACES + 1, SIZE, SIZE)
    assert np.abs(answers - golden.answers[role]).max() <= (1e-6 if role == "float" else 0)


def test_the_last_patch_is_a_ramp_over_all_values(golden):
    ramp = golden.patches[-1].ravel().astype(int)
    assert (ramp[0], ramp[-1]) == (0, 255)
    assert (np.diff(ramp) >= 0).all()


def test_faces_are_clear_and_show_several_emotions(packaged):
    for role, answers in packaged.answers.items():
        best = np.sort(answers[:-1], axis=1)
        assert (best[:, -1] - best[:, -2] > 2 * packaged.tolerance(role, "litert")).all()
    assert len(set(packaged.answers["int8"][:-1].argmax(axis=1).tolist())) >= 6


@pytest.mark.parametrize("role", ["float", "int8"])
@pytest.mark.parametrize("name", ["litert", "builtin"])
def test_the_runtimes_here_answer_as_they_should(packaged, role, name):
    answers = open_backend(name, Bundle.load().read(role))(packaged.patches)
    assert packaged.check(answers, role, name) is None


def test_the_same_models_give_the_same_bytes(golden, tmp_path):
    saved = golden.save(tmp_path / "a.npz").read_bytes()
    assert make_golden(MODELS, SIZE).save(tmp_path / "b.npz").read_bytes() == saved


def test_a_bundle_gives_back_what_was_saved(bundle, golden):
    loaded = Golden.load(bundle)
    assert (loaded.patches == golden.patches).all()
    assert loaded.tolerances == golden.tolerances
    for role in MODELS:
        assert (loaded.answers[role] == golden.answers[role]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda right: np.roll(right, 1, axis=1), "are given another emotion"),
        (lambda right: right * np.float32(np.nan), "on 8 of 8 golden patches"),
        (lambda right: right[:, :2], r"gives \(8, 2\) probabilities for \(8, 3\)"),
        (lambda right: right[:3], r"gives \(3, 3\) probabilities"),
        (lambda right: right + np.float32(0.2), "off by more than"),
    ],
    ids=["other", "nan", "narrow", "few", "far"],
)
@pytest.mark.parametrize("name", ["litert", "builtin", "tflite-runtime", "mylab.onnx:Runtime"])
def test_other_answers_are_a_problem(golden, change, words, name):
    assert re.search(words, golden.check(change(golden.answers["int8"]), "int8", name))


def test_accelerated_kernels_may_round_otherwise_and_the_same_kernels_may_not(golden):
    answers = golden.answers["int8"] + np.float32(9 / 256)
    assert golden.check(answers, "int8", "litert") is None
    assert golden.check(answers, "int8", "builtin") is not None
    assert golden.check(answers, "int8", "tflite-runtime") is not None


def test_of_a_model_that_was_not_recorded_nothing_is_known(golden):
    assert golden.check(np.zeros((1, 1), np.float32), "dynamic", "litert") is None


@pytest.mark.parametrize("role", ["float", "int8"])
@pytest.mark.parametrize("name", ["auto", "litert", "builtin"])
def test_a_right_runtime_is_let_through(bundle, role, name):
    assert Classifier(bundle, role, backend=name).size == SIZE


@pytest.mark.parametrize("role", ["float", "int8"])
def test_a_runtime_that_answers_otherwise_is_refused(bundle, role):
    words = f"test_golden:Wrong computes the {role} model of .* wrongly: on . of 8 golden patches"
    with pytest.raises(BackendError, match=words):
        Classifier(bundle, role, backend="test_golden:Wrong")


def test_a_bundle_without_golden_vectors_works(tmp_path):
    plain = tiny_bundle(tmp_path / "parts")
    assert Golden.load(plain) is None
    assert Classifier(plain, backend="test_golden:Wrong").size == SIZE


def test_tflite_runtime_answers_as_it_should(bundle, tflite_python):
    program = (
        "import sys\nfrom pathlib import Path\nfrom edgefer.bundle import Bundle\n"
        "from edgefer.edge.classifier import Classifier\n"
        "for role in ('float', 'int8'):\n"
        "    print(Classifier(Bundle.load(Path(sys.argv[1])), role).role)\n"
    )
    done = subprocess.run(
        [tflite_python, "-c", program, bundle.folder],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["float", "int8"], done.stderr


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def bomb() -> bytes:
    """A file of 100 kB that unpacks to 100 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("patches.npy", bytes(10**8))
    return file.getvalue()


def boast() -> bytes:
    """A file whose array says it has 10**15 numbers."""
    file = io.BytesIO()
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (10000000, 10000, 10000), }"
    head = head.ljust(117) + b"\n"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(
            "patches.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
        )
    return file.getvalue()


PATCHES = np.zeros((2, SIZE, SIZE), np.uint8)
ANSWERS = np.full((2, 3), 1 / 3, np.float32)
FAR = np.array([0.01, 0.1])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        npz(patches=PATCHES)[:-40],
        npz(other=PATCHES),
        npz(patches=PATCHES.astype(np.float32)),
        npz(patches=PATCHES[:0]),
        npz(patches=PATCHES[:, :4]),
        npz(patches=np.zeros((2, 9, 9), np.uint8)),
        npz(patches=PATCHES, **{"answers.int8": ANSWERS}),
        npz(patches=PATCHES, **{"answers.int8": ANSWERS, "tolerances.int8": FAR[:1]}),
        npz(patches=PATCHES, **{"answers.int8": ANSWERS, "tolerances.int8": FAR * 100}),
        npz(patches=PATCHES, **{"answers.int8": ANSWERS, "tolerances.int8": FAR * np.nan}),
        npz(patches=PATCHES, **{"answers.int8": ANSWERS[:1], "tolerances.int8": FAR}),
        npz(patches=PATCHES, **{"answers.int8": ANSWERS[:, :2], "tolerances.int8": FAR}),
        npz(patches=PATCHES, **{"answers.int8": ANSWERS * np.nan, "tolerances.int8": FAR}),
        npz(patches=np.array([{"a": 1}], object)),
        pickle.dumps({"patches": 1}),
        bomb(),
        boast(),
    ],
    ids=lambda data: f"{len(data)} bytes",
)
def test_a_garbled_file_is_refused(tmp_path, data):
    with pytest.raises(BundleError, match=r"golden\.npz lacks or garbles"):
        Golden.load(bundle_with(tmp_path, "golden", "golden.npz", data))


def test_what_a_garbled_file_says_steers_no_terminal(tmp_path):
    data = npz(patches=PATCHES, **{"answers.\x1b[31m": ANSWERS[:1], "tolerances.\x1b[31m": FAR})
    with pytest.raises(BundleError, match=r"garbles answers of \\x1b\[31m: float32"):
        Golden.load(bundle_with(tmp_path, "golden", "golden.npz", data))


class Loose:
    """As much of a bundle as is read here: any bytes, whatever their hash."""

    files = {"golden": "golden.npz"}  # noqa: RUF012
    folder, size, labels = Path("loose"), SIZE, LABELS

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, role: str) -> bytes:
        return self._data


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(golden, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    damaged = bytearray(golden.save(path).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(len(damaged) // 2, len(damaged))) :]
    with suppress(BundleError):
        assert np.isfinite(Golden.load(Loose(bytes(damaged))).answers["int8"]).all()


def test_vectors_are_checked_when_they_are_made(golden):
    with pytest.raises(ValueError, match="patches"):
        replace(golden, patches=golden.patches[..., :3])
