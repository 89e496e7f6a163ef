"""Ten thousand damaged bundles: each is refused by the name of the file, and reaches no runtime."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from tiny_tflite import LABELS, SIZE, tiny_tflite

from edgefer.bundle import Bundle, write_bundle
from edgefer.edge.classifier import Classifier
from edgefer.errors import BundleError
from edgefer.signature import load_verified, new_keys, sign

TRIES = 10_000
MODELS = {"float.tflite": "float", "int8.tflite": "int8"}
HEARD: list[bytes] = []


class Runtime:
    """A runtime that remembers what it was given."""

    size, classes = SIZE, len(LABELS)

    def __init__(self, model, threads):
        HEARD.append(model)

    def __call__(self, patches):
        return np.zeros((len(patches), self.classes), np.float32)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    private, public, _ = new_keys(tmp_path_factory.mktemp("keys") / "lab")
    return private, public


@pytest.fixture
def memory():
    """A folder that lies in memory: a disk writes for a minute, memory for ten seconds."""
    shm = Path("/dev/shm")
    with TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def signed(tmp_path, memory, key):
    (tmp_path / "f.tflite").write_bytes(tiny_tflite(np.float32))
    (tmp_path / "i.tflite").write_bytes(tiny_tflite(np.uint8))
    (tmp_path / "log.csv").write_text("epoch,loss\n1,0.5\n")
    files = {"float": "f.tflite", "int8": "i.tflite", "log": "log.csv"}
    made = write_bundle(
        memory / "tiny",
        labels=LABELS,
        size=SIZE,
        files={role: tmp_path / name for role, name in files.items()},
        history=[],
    )
    sign(made, key[0])
    return made


def damaged(data: bytes, rng: np.random.Generator) -> bytes | None:
    """Other bytes than these; None for no file at all."""
    kind, place = rng.integers(100), int(rng.integers(len(data)))
    if kind < 70:
        return data[:place] + bytes([data[place] ^ int(rng.integers(1, 256))]) + data[place + 1 :]
    if kind < 85:
        return data[:place]
    if kind < 92:
        return data + rng.bytes(int(rng.integers(1, 20)))
    if kind < 96:
        return bytes(len(data))
    return None


def read_all(bundle: Bundle) -> dict[str, bytes]:
    return {role: bundle.read(role) for role in bundle.files}


def refusal(work) -> str:
    """What a piece of work refuses with; any other exception shows itself."""
    try:
        work()
    except BundleError as error:
        return str(error)
    return ""


def test_what_was_changed_anywhere_is_refused_by_name(signed, key):
    rng = np.random.default_rng(0)
    whole = {path.name: path.read_bytes() for path in signed.folder.iterdir()}
    names, content = sorted(whole), read_all(signed)
    tried = dict.fromkeys(names, 0)

    def open_plainly():
        bundle = Bundle.load(signed.folder)
        # The order in which a command meets them: first the model, then all the rest.
        if name in MODELS:
            Classifier(bundle, MODELS[name], backend="test_fuzz_bundle:Runtime")
        bundle.verify()
        assert (bundle, read_all(bundle)) == (signed, content)

    for _ in range(TRIES):
        name = names[rng.integers(len(names))]
        tried[name] += 1
        path, changed = signed.folder / name, damaged(whole[name], rng)
        assert changed != whole[name]
        if changed is None:
            path.unlink()
        else:
            path.write_bytes(changed)
        trusted = refusal(lambda: load_verified(signed.folder, [key[1]]))
        plain = refusal(open_plainly)
        # A bundle may be used unsigned, so that without a key nothing rests on the signature.
        assert name in plain or name == "SIGNATURE", (name, changed, plain)
        assert name in trusted, (name, changed, trusted)
        assert "\n" not in trusted + plain
        path.write_bytes(whole[name])
    assert not HEARD
    assert min(tried.values()) > TRIES / len(names) / 2
    Classifier(Bundle.load(signed.folder), backend="test_fuzz_bundle:Runtime")
    assert [whole["int8.tflite"]] == HEARD
    assert load_verified(signed.folder, [key[1]])[0] == signed
