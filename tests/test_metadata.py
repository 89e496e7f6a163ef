import json
import subprocess
import time
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tiny_tflite import LABELS, SIZE, tiny_tflite

from edgefer import __version__
from edgefer.bundle import Bundle
from edgefer.edge.backends import open_backend
from edgefer.errors import BundleError
from edgefer.export.audit import audit
from edgefer.export.metadata import add_metadata
from edgefer.labels import Labels
from edgefer.metadata import MOST, NAME, About, read_metadata

ABOUT = About(LABELS, SIZE, "gray-area-1", "int8", "ca" * 32, "b0" * 32)


def about(bundle: Bundle, role: str) -> About:
    return About(bundle.labels, bundle.size, "gray-area-1", role, None, bundle.digest)


@pytest.fixture(scope="module", params=["int8", "float"])
def models(request) -> tuple[bytes, bytes]:
    """A converter's model of the packaged bundle ``small``, and the same that tells of itself."""
    bundle = Bundle.load(Path("small"))
    before = silent(bundle.read(request.param))
    return before, add_metadata(before, about(bundle, request.param))


def silent(model: bytes) -> bytes:
    """A model that was exported, as the converter wrote it."""
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    told = root.metadata.pop()
    assert (told.name, told.buffer) == (NAME.encode(), len(root.buffers) - 1)
    del root.buffers[-1]
    builder = flatbuffers.Builder(len(model))
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def with_text(data: bytes) -> bytes:
    """A model that says anything one likes of itself."""
    root = schema.ModelT.InitFromPackedBuf(add_metadata(tiny_tflite(np.uint8), ABOUT), 0)
    root.buffers[root.metadata[-1].buffer].data = np.frombuffer(data, np.uint8)
    builder = flatbuffers.Builder(4096)
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_what_is_written_is_read_back():
    assert read_metadata(add_metadata(tiny_tflite(np.uint8), ABOUT)) == ABOUT
    assert ABOUT.edgefer == __version__


def test_a_model_that_says_nothing_is_none():
    assert read_metadata(tiny_tflite(np.uint8)) is None


def test_the_same_words_make_the_same_bytes(models):
    before, after = models
    assert add_metadata(before, read_metadata(after)) == after


def test_new_words_replace_old_ones(models):
    before, after = models
    once = add_metadata(before, ABOUT)
    assert add_metadata(after, ABOUT) == once
    assert read_metadata(once) == ABOUT


def test_it_costs_less_than_a_kilobyte(models):
    before, after = models
    assert 0 < len(after) - len(before) < 1024


def test_everything_the_converter_wrote_stays(models):
    before, after = (schema.ModelT.InitFromPackedBuf(model, 0) for model in models)
    names = {entry.name for entry in before.metadata}
    assert names == {b"min_runtime_version", b"CONVERSION_METADATA"}
    kept = [(entry.name, entry.buffer) for entry in before.metadata]
    assert [(entry.name, entry.buffer) for entry in after.metadata[:-1]] == kept
    assert after.metadata[-1].name == NAME.encode()
    for old, new in zip(before.buffers, after.buffers[:-1], strict=True):
        assert np.array_equal(old.data, new.data)
    assert after.description == before.description
    assert len(after.signatureDefs) == len(before.signatureDefs)
    old, new = (audit(model).to_json() for model in models)
    sizes = ("bytes", "gzipped")
    assert {k: v for k, v in old.items() if k not in sizes} == {
        k: v for k, v in new.items() if k not in sizes
    }


@pytest.mark.edge
@pytest.mark.parametrize("name", ["litert", "builtin"])
def test_litert_answers_to_the_bit_what_it_answered(models, name):
    patches = np.random.default_rng(0).integers(0, 256, (32, 48, 48), np.uint8)
    before, after = (open_backend(name, model)(patches) for model in models)
    assert before.tobytes() == after.tobytes()


@pytest.mark.edge
def test_tflite_runtime_answers_to_the_bit_what_it_answered(models, tmp_path, tflite_python):
    for name, model in zip(("before", "after"), models, strict=True):
        (tmp_path / name).write_bytes(model)
    code = (
        "import numpy as np\n"
        "from edgefer.edge.backends import open_backend\n"
        "patches = np.random.default_rng(0).integers(0, 256, (32, 48, 48), np.uint8)\n"
        "for name in ('before', 'after'):\n"
        "    answers = open_backend('tflite-runtime', open(name, 'rb').read())(patches)\n"
        "    np.save(name + '.npy', answers)\n"
    )
    done = subprocess.run([tflite_python, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = (np.load(tmp_path / f"{name}.npy") for name in ("before", "after"))
    assert before.shape == (32, 7)
    assert before.tobytes() == after.tobytes()


RIGHT = ABOUT.to_json()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00\xff",
        b"[1]",
        b"[" * 60_000,
        b"x" * (MOST + 1),
        b'{"format": 1}',
        json.dumps({**RIGHT, "format": 2}).encode(),
        json.dumps({**RIGHT, "size": 10**9}).encode(),
        json.dumps({**RIGHT, "size": "12"}).encode(),
        json.dumps({**RIGHT, "role": None}).encode(),
        json.dumps({**RIGHT, "role": "\x1b[2J"}).encode(),
        json.dumps({**RIGHT, "source": "\x1b]0;mine\x07"}).encode(),
        json.dumps({**RIGHT, "calibration": 7}).encode(),
        json.dumps({**RIGHT, "labels": {**RIGHT["labels"], "names": ["a", "a", "a"]}}).encode(),
        json.dumps({**RIGHT, "labels": {**RIGHT["labels"], "names": ["a", "b\n", "c"]}}).encode(),
        json.dumps({**RIGHT, "labels": "\ud800"}).encode(),
    ],
)
def test_what_cannot_be_is_one_error(said):
    with pytest.raises(BundleError, match="a.tflite") as caught:
        read_metadata(with_text(said), "a.tflite")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("model", [b"", b"TFL3", b"\0\0\0\0TFL2", b"\xff\xff\xff\xffTFL3" * 9])
def test_what_is_no_model_is_one_error(model):
    with pytest.raises(BundleError, match="no TFLite model|damaged"):
        read_metadata(model)


def test_a_damaged_model_is_read_or_refused_and_nothing_else():
    whole, rng = add_metadata(tiny_tflite(np.uint8), ABOUT), np.random.default_rng(0)
    said = []
    for _ in range(5000):
        data = bytearray(whole)
        for _ in range(int(rng.integers(1, 4))):
            data[rng.integers(len(data))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
        try:
            found = read_metadata(bytes(data[: rng.integers(len(data) // 2, len(data) + 1)]))
        except BundleError as error:
            said.append(str(error))
        else:
            assert found is None or isinstance(found, About)
    assert len(said) > 1000
    assert all(map(str.isprintable, said))


def test_a_model_that_claims_four_billion_entries_is_answered_at_once():
    whole = add_metadata(tiny_tflite(np.uint8), ABOUT)
    root = schema.Model.GetRootAs(whole, 0)
    where = root._tab.Vector(root._tab.Offset(16)) - 4
    assert whole[where : where + 4] == b"\1\0\0\0"
    lying = whole[:where] + b"\xff\xff\xff\xff" + whole[where + 4 :]
    nameless = lying.replace(NAME.encode() + b"\0", b"another\0")
    start = time.perf_counter()
    assert read_metadata(lying) == ABOUT
    with pytest.raises(BundleError, match="damaged"):
        read_metadata(nameless)
    assert time.perf_counter() - start < 1


def test_too_many_words_are_not_written():
    names = tuple(f"{i:0200}" for i in range(400))
    with pytest.raises(BundleError, match="65,536 bytes"):
        add_metadata(
            tiny_tflite(np.uint8),
            About(Labels("many", names, names), SIZE, "gray-area-1", "int8", None, "b0"),
        )


def test_words_go_into_a_tflite_model_only():
    with pytest.raises(BundleError, match="no TFLite model"):
        add_metadata(b"something else", ABOUT)
    with pytest.raises(BundleError, match="damaged"):
        add_metadata(b"\xff\xff\0\0TFL3", ABOUT)
