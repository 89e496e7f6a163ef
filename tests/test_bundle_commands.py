"""``edgefer bundle``, and ``--trusted-key``, as a user meets them."""

import json
import re
import shutil
import stat
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_tflite import LABELS, band, tiny_tflite

import edgefer.cli
from edgefer.bundle import Step, write_bundle
from edgefer.errors import EdgeferError
from edgefer.export.metadata import add_metadata
from edgefer.facewriter import write_faceset
from edgefer.labels import Labels
from edgefer.metadata import About

SIZE = 16

# A finder that hides one package stands for a machine without it.
HIDING = (
    "import sys, importlib.abc\n"
    "class Hide(importlib.abc.MetaPathFinder):\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name.partition('.')[0] == {!r}:\n"
    "            raise ModuleNotFoundError(name, name={!r})\n"
    "sys.meta_path.insert(0, Hide())\n"
    "import edgefer.cli\n"
    "edgefer.cli.main()\n"
)


def run(*arguments, passphrase="", status=0):
    """What a command prints, or the one line that it ends with."""
    env = {"EDGEFER_PASSPHRASE": passphrase}
    done = CliRunner().invoke(edgefer.cli.edgefer, list(map(str, arguments)), env=env)
    named = isinstance(done.exception, EdgeferError)
    assert (done.exit_code, named) == (status, bool(status)), done.exception
    said = str(done.exception) if status else done.stdout
    assert not status or said.isprintable()
    return said


def run_without(package, *arguments, status=0):
    """The same in a process that lacks a package."""
    command = [sys.executable, "-c", HIDING.format(package, package), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert not status or len(done.stderr.splitlines()) == 1
    return done.stderr if status else done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("lab", "eve"):
        run("bundle", "keygen", folder / name)
    return folder


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "float").write_bytes(tiny_tflite(np.float32, size=SIZE))
    (tmp_path / "int8").write_bytes(
        add_metadata(
            tiny_tflite(np.uint8, size=SIZE),
            About(LABELS, SIZE, "gray-area-1", "int8", "ca" * 32, "b0" * 32),
        )
    )
    tried = {"int8": {"litert": {"version": "2.3.0", "passed": True, "faces": 56}}}
    (tmp_path / "runtimes.json").write_text(json.dumps(tried))
    history = [
        Step(
            "train base",
            scores={
                "epochs": 9,
                "best_epoch": 7,
                "val": {"faces": 3589, "accuracy": 0.6645},
            },
            sources={"faces": "a set; licence: mine\x1b[2J"},
        ),
        Step("export", scores={"check": {"int8": {"agreement": 0.9893}}}),
    ]
    roles = ("float", "int8")
    return write_bundle(
        tmp_path / "tiny",
        labels=LABELS,
        size=SIZE,
        files={**{role: tmp_path / role for role in roles}, "runtimes": tmp_path / "runtimes.json"},
        history=history,
    ).folder


def test_keys_sign_and_signatures_are_verified(bundle, keys):
    assert stat.S_IMODE((keys / "lab.key").stat().st_mode) == 0o600
    assert "not signed" in run("bundle", "verify", bundle)
    said = run("bundle", "sign", bundle, "--key", keys / "lab.key")
    assert "4 files, signed by sha256:" in said
    assert said.split()[-1] in run("bundle", "verify", bundle)
    trusted = ["--trusted-key", keys / "eve.pub", "--trusted-key", keys / "lab.pub"]
    about = json.loads(run("bundle", "verify", bundle, *trusted, "--json"))
    assert about["signature"]["fingerprint"] == said.split()[-1]
    assert (about["files"], about["trusted"]) == (4, True)
    said = run("bundle", "verify", bundle, "--trusted-key", keys / "eve.pub", status=1)
    assert "none of the trusted keys" in said


def test_what_is_wrong_is_named(bundle):
    extra = bundle / "helper.py"
    extra.touch()
    assert "helper.py is not listed" in run("bundle", "verify", bundle, status=1)
    assert "helper.py is not listed" in run("bundle", "show", bundle, status=1)
    extra.unlink()
    (bundle / "int8.tflite").write_bytes(b"other")
    assert "int8.tflite was changed" in run("bundle", "verify", bundle, status=1)


def test_keys_that_are_there_stay(keys):
    before = (keys / "lab.key").read_bytes()
    assert "--force" in run("bundle", "keygen", keys / "lab", status=1)
    assert (keys / "lab.key").read_bytes() == before


def test_a_passphrase_comes_from_the_environment_and_is_missed(bundle, tmp_path):
    run("bundle", "keygen", tmp_path / "safe", "--passphrase", passphrase="참깨")
    assert b"ENCRYPTED" in (tmp_path / "safe.key").read_bytes()
    sign = ["bundle", "sign", bundle, "--key", tmp_path / "safe.key"]
    assert "EDGEFER_PASSPHRASE" in run(*sign, status=1)
    assert "passphrase" in run(*sign, passphrase="other", status=1)
    run(*sign, passphrase="참깨")
    said = run("bundle", "keygen", tmp_path / "safer", "--passphrase", status=1)
    assert "EDGEFER_PASSPHRASE" in said
    assert not (tmp_path / "safer.key").exists()


def test_a_bundle_is_shown_to_a_person(bundle):
    said = run("bundle", "show", bundle)
    for words in (
        "16x16 pixels (gray-area-1), labels tiny",
        "happy    기쁨",
        "int8.tflite",
        "epoch 7 of 9; val accuracy 66.5%",
        "check int8 agreement 98.9%",
        r"licence: mine\x1b[2J",
        "int8: right on LiteRT 2.3.0",
        "not signed",
    ):
        assert words in said
    assert "\x1b" not in said


def test_a_bundle_is_shown_to_a_machine(bundle):
    about = json.loads(run("bundle", "show", bundle, "--json"))
    assert about["labels"]["korean"] == list(LABELS.korean)
    assert about["files"]["int8"]["bytes"] == (bundle / "int8.tflite").stat().st_size
    assert about["history"][0]["scores"]["val"]["accuracy"] == 0.6645
    assert about["runtimes"]["int8"]["litert"]["passed"]
    assert (about["signature"], about["signature_checked"]) == (None, True)


def test_runtimes_that_a_bundle_was_tried_on_are_shown():
    said = run("bundle", "show", "default")
    assert "int8: right on LiteRT" in said
    assert "분노" in said


def test_what_is_installed_is_not_signed(keys):
    said = run("bundle", "sign", "small", "--key", keys / "lab.key", status=1)
    assert "small comes with edgefer" in said


def test_a_folder_of_a_packaged_name_is_taken_and_told(bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small").mkdir()
    done = CliRunner().invoke(edgefer.cli.edgefer, ["bundle", "verify", "small"])
    assert re.match(r"small: \d+ files, every hash right", done.stdout)
    shutil.copytree(bundle, tmp_path / "small", dirs_exist_ok=True)
    done = CliRunner().invoke(edgefer.cli.edgefer, ["bundle", "verify", "small"])
    assert done.stdout.startswith("small: ")
    assert "small is the folder here, not the packaged bundle" in done.stderr


def test_a_model_alone_tells_what_it_is(bundle, tmp_path):
    said = run("bundle", "show", bundle / "int8.tflite")
    for words in ("int8, ", "16x16 pixels", "happy    기쁨", "ca" * 32, "b0" * 32):
        assert words in said
    about = json.loads(run("bundle", "show", bundle / "int8.tflite", "--json"))
    assert about["labels"]["names"] == list(LABELS.names)
    said = run("bundle", "show", bundle / "float.tflite", status=1)
    assert "float.tflite says nothing of itself" in said
    turned = Labels("tiny", ("\u202ehappy", "sad", "neutral"), LABELS.korean)
    model = add_metadata(
        tiny_tflite(np.uint8, size=SIZE), About(turned, SIZE, "gray-area-1", "int8", None, "b0")
    )
    (tmp_path / "turned.tflite").write_bytes(model)
    said = run("bundle", "show", tmp_path / "turned.tflite")
    assert r"\u202ehappy" in said
    assert "\u202e" not in said


@pytest.mark.parametrize("name", ["nowhere", "nowhere.tflite"])
def test_what_is_not_there_is_one_line(tmp_path, name):
    assert name in run("bundle", "show", tmp_path / name, status=1)


def test_a_machine_without_cryptography_says_what_to_type(bundle, keys):
    assert "not signed" in run_without("cryptography", "bundle", "verify", bundle)
    run("bundle", "sign", bundle, "--key", keys / "lab.key")
    said = run_without("cryptography", "bundle", "show", bundle)
    assert "by whom was not checked: cryptography is not installed" in said
    watch = ["run", bundle, "--trusted-key", keys / "lab.pub", "--camera", "synth"]
    for arguments in (["bundle", "verify", bundle], watch):
        said = run_without("cryptography", *arguments, status=1)
        assert "Try: pip install '.[signing]'" in said


def test_a_machine_without_litert_says_what_to_type(bundle):
    arguments = ("bundle", "show", bundle / "int8.tflite")
    said = run_without("ai_edge_litert", *arguments, status=1)
    assert "ai_edge_litert is not installed. Try: pip install '.[edge]'" in said


@pytest.mark.edge
def test_run_takes_a_signed_bundle_and_no_other(bundle, keys, tmp_path):
    readings = tmp_path / "readings.jsonl"
    watch = ["run", bundle, "--camera", "synth", "--frames", 2, "--sink", f"jsonl:{readings}"]
    trusting = [*watch, "--json", "--trusted-key", keys / "lab.pub"]
    assert "tiny is not signed" in run(*trusting, status=1)
    run("bundle", "sign", bundle, "--key", keys / "eve.key")
    assert "none of the trusted keys" in run(*trusting, status=1)
    run("bundle", "sign", bundle, "--key", keys / "lab.key", "--force")
    (bundle / "runtimes.json").write_text("{}")
    assert "runtimes.json was changed" in run(*trusting, status=1)
    assert not readings.exists()
    (bundle / "runtimes.json").write_bytes((tmp_path / "runtimes.json").read_bytes())
    assert json.loads(run(*trusting))["frames"] == 2
    assert readings.exists()


@pytest.mark.edge
def test_compare_takes_a_signed_bundle_and_no_other(bundle, keys, tmp_path):
    with write_faceset(tmp_path / "faces", LABELS, SIZE, source="bands") as writer:
        for i in range(30):
            patch = band(i % 3, SIZE)
            patch[0, 0] = i  # no two are the same
            writer.add(patch, LABELS.names[i % 3], split="test")
    judge = ["compare", bundle, tmp_path / "faces", "--trusted-key", keys / "lab.pub", "--json"]
    assert "tiny is not signed" in run(*judge, status=1)
    run("bundle", "sign", bundle, "--key", keys / "lab.key")
    assert json.loads(run(*judge))["overall"]["support"] == 30
