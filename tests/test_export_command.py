# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
"""The command ``edgefer export``, from the door."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from toys import SIZE, toy_bundle, toy_faces

pytest.importorskip("tensorflow", reason="export needs TensorFlow")
pytestmark = pytest.mark.train

from collapses import collapsed

from edgefer.bundle import Bundle
from edgefer.errors import GateError
from edgefer.export.commands import export
from edgefer.export.kernels import kernels_in, require_clusters
from edgefer.labels import KOREAN7
from edgefer.train.backbones.vgg import vgg


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def faces(folder):
    return toy_faces(folder / "faces", each=64)


@pytest.fixture(scope="module")
def sick(folder, model, faces):
    """One channel a thousand times as large: the float answers are the same, int8 collapses."""
    return toy_bundle(folder / "sick", collapsed(model, "stage2_1_norm", ("stage3_1_conv",)), faces)


@pytest.fixture
def typed(calibration, faces, tmp_path):
    """Type the command for a bundle; its int8 is calibrated, the toys are its faces."""

    def run(bundle, *options):
        given = ["--calib", calibration.folder, "--faces", faces.folder, "-o", tmp_path / "out"]
        return CliRunner().invoke(export, list(map(str, [bundle.folder, *given, *options])))

    return run


def scores(tmp_path):
    return Bundle.load(tmp_path / "out").history[-1].scores


def test_a_healthy_network_passes_the_gate_as_plain_int8(typed, trained, tmp_path):
    result = typed(trained, "--int8", "--gate", "0.1")
    assert result.exit_code == 0, result.output
    told = scores(tmp_path)["gate"]
    assert (told["rung"], told["faces"], len(told["tried"])) == ("int8", 112, 1)
    assert "int8 was made as int8: no drop shown above 10 points on 112 faces" in result.stdout


def test_a_network_that_collapses_is_caught_and_passes_by_a_named_rung(typed, sick, tmp_path):
    result = typed(sick, "--int8", "--gate", "0.1")
    assert result.exit_code == 0, result.output
    told = scores(tmp_path)["gate"]
    assert [(one["rung"], one["passed"]) for one in told["tried"]] == [
        ("int8", False),
        ("corrected", True),
    ]
    assert told["tried"][0]["overall"]["before"] - told["tried"][0]["overall"]["after"] > 0.3
    assert "int8 was made as corrected" in result.stdout
    assert "gate: int8: overall +" in result.stderr


def test_where_no_rung_passes_the_status_is_3_and_nothing_is_written(
    sick, faces, calibration, tmp_path
):
    command = [sys.executable, "-m", "edgefer", "export", sick.folder, "--int8", "--rung", "int8"]
    command += ["--calib", calibration.folder, "--faces", faces.folder, "--gate", "0.1"]
    done = subprocess.run(
        [*map(str, command), "-o", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "no way to quantize this network kept every drop within 10 points" in done.stderr
    assert "overall" in done.stderr.split("drop, points")[1]
    assert list(tmp_path.iterdir()) == []


def test_int8_onnx_stands_before_the_same_gate(typed, trained, tmp_path):
    pytest.importorskip("tf2onnx", reason="conversion to ONNX needs tf2onnx")
    result = typed(trained, "--int8", "--gate", "0.1", "--to", "tensorrt-ready")
    assert result.exit_code == 0, result.output
    told = scores(tmp_path)["onnx_int8"]["gate"]
    assert (told["passed"], told["limit"], told["overall"]["support"]) == (True, 0.1, 112)
    assert "gate: int8.onnx: overall " in result.stderr
    line = next(line for line in result.stdout.splitlines() if line.startswith("int8.onnx"))
    assert "no drop shown above 10 points on 112 faces" in line


def test_where_int8_onnx_fails_nothing_is_written(typed, sick, tmp_path):
    pytest.importorskip("tf2onnx", reason="conversion to ONNX needs tf2onnx")
    result = typed(sick, "--int8", "--gate", "0.1", "--to", "tensorrt-ready")
    assert isinstance(result.exception, GateError)  # exit status 3
    said = str(result.exception)
    assert "int8.onnx does not keep every drop within 10 points on 112 faces" in said
    assert "leave --int8 out" in said
    assert said.splitlines()[1].split()[-1] == "int8.onnx"
    assert "gate: corrected: overall" in result.stderr  # the TFLite model passed before
    assert list(tmp_path.iterdir()) == []


def test_a_float_onnx_file_needs_no_gate(typed, trained, tmp_path):
    pytest.importorskip("tf2onnx", reason="conversion to ONNX needs tf2onnx")
    result = typed(trained, "--int8", "--gate", "0.1", "--to", "onnx")
    assert result.exit_code == 0, result.output
    told = scores(tmp_path)
    assert told["gate"]["rung"] == "int8"
    assert "onnx_int8" not in told
    assert "gate" not in told["onnx"]
    assert Bundle.load(tmp_path / "out").read("onnx")


def test_a_share_of_the_time_cuts_channels(faces, tmp_path):
    # Wide enough that fewer channels take less time on any machine.
    wide = toy_bundle(tmp_path / "wide", vgg(7, SIZE, width=16), faces)
    options = ["--latency", "0.9", "--multiple", "4", "--epochs", "1", "--precision", "float32"]
    arguments = [wide.folder, "--faces", faces.folder, *options, "-o", tmp_path / "out"]
    result = CliRunner().invoke(export, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    told = scores(tmp_path)
    before, after = told["thinner"]["macs"]
    assert after < before
    assert told["float"]["macs"] == after
    assert set(told["thinner"]["milliseconds"]) == {"before", "after"}
    assert "of the time; " in result.stdout


def test_a_layer_has_as_few_weights_as_were_asked_for(typed, trained, tmp_path):
    result = typed(trained, "--int8", "--clusters", "8", "--epochs", "1", "--batch", "32")
    assert result.exit_code == 0, result.output
    layers = scores(tmp_path)["clusters"]["layers"]
    assert len(layers) == 6  # five convolutions and the head
    assert max(layers.values()) <= 8
    assert f"clustered: at most {max(layers.values())} weights in 6 layers" in result.stdout
    for role in ("float", "int8"):
        kernels = kernels_in(Bundle.load(tmp_path / "out").read(role))
        require_clusters(kernels, 8, "the command")


def test_layers_that_are_named_stay_in_float(typed, trained, tmp_path):
    result = typed(trained, "--int8", "--keep-float", "stage1_1_conv")
    assert result.exit_code == 0, result.output
    told = scores(tmp_path)
    assert told["rung"] == {"rung": "mixed", "kept": ["stage1_1_conv"]}
    assert "float32" in told["int8"]["dtypes"]
    assert "stage1_1_conv left in float" in result.stdout


def test_a_layer_that_is_not_there_is_the_only_thing_said(typed, trained):
    result = typed(trained, "--int8", "--keep-float", "nolayer")
    assert result.exit_code == 1
    assert str(result.exception).startswith("mixed cannot be made: ")
    assert "no layer nolayer" in str(result.exception)
    assert "cannot be made" not in result.stderr


def test_a_gate_that_cannot_tell_says_so(typed, trained):
    result = typed(trained, "--int8", "--gate", "0.0001")
    assert result.exit_code == 0, result.output
    assert "no drop shown above 0.01 points on 112 faces, and none ruled out" in result.stdout
    assert "too few faces to tell overall, angry" in result.stderr


def test_the_gate_is_neither_what_was_trained_on_nor_what_is_reported(typed, trained):
    for split in ("train", "test"):
        result = typed(trained, "--int8", "--gate", "0.1", "--gate-split", split)
        assert result.exit_code == 1
        assert f"--gate-split {split} holds the faces that" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--int8"], "edgefer calib FACESET"),
        (["--sparsity", "0.5"], "--sparsity needs --faces FACESET"),
        (["--macs", "0.5"], "--macs needs --faces FACESET"),
        (["--calib", "c"], "add --int8"),
        (["--int8", "--calib", "c", "--gate", "0.1"], "--gate needs --faces"),
        (["--int8", "--calib", "c", "--rung", "qat"], "--rung qat needs --faces"),
        (["--sensitivity"], "--sensitivity needs --calib"),
        (["--candidates", "all", "--calib", "c"], "--candidates needs --faces"),
        (["--rank", "l1"], "--rank is for a thinner network"),
        (["--epochs", "3"], "--epochs is for training further"),
        (["--gate-split", "val"], "--gate-split is for the gate"),
        (["--keep-float", "x"], "--keep-float is for int8"),
        (["--faces", "f"], "--faces is for"),
        (
            ["--sensitivity", "--candidates", "all", "--calib", "c", "--faces", "f"],
            "write different pages",
        ),
        (["--sensitivity", "--calib", "c", "--faces", "f", "--macs", "0.5"], "does not go with"),
        (
            ["--candidates", "all", "--calib", "c", "--faces", "f", "--to", "onnx"],
            "--to does not go with --candidates",
        ),
    ],
)
def test_options_that_lack_something_or_do_nothing_are_wrong_usage(options, words):
    result = CliRunner().invoke(export, ["bundle", *options, "-o", "new"])
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("named", "words"), [("mistyped", "does not exist"), ("text", "not executable")]
)
def test_a_python_that_cannot_be_run_is_refused_before_anything_is_read(tmp_path, named, words):
    (tmp_path / "text").touch(mode=0o644)
    options = ["--tflite-python", str(tmp_path / named), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(export, ["no bundle", *options])
    assert (result.exit_code, f"{named}' " in result.stderr) == (2, True)
    assert words in result.stderr


def test_the_help_has_sections():
    said = CliRunner().invoke(export, ["--help"]).stdout
    titles = ["What to make:", "A thinner network", "Download size, not speed", "How int8 is made"]
    assert sorted(titles, key=said.find) == titles
    assert min(map(said.find, titles)) > 0


def test_the_layers_are_ranked_on_a_page(trained, calibration, tmp_path):
    arguments = [trained.folder, "--sensitivity", "--calib", calibration.folder]
    result = CliRunner().invoke(export, [*map(str, arguments), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "stage1_1_conv" in result.stdout
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".html", ".json", ".csv"}


def test_candidates_are_compared_on_a_page(typed, trained, tmp_path):
    result = typed(trained, "--candidates", "float16,int8,mixed")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "out" / "candidates.json").read_text(encoding="utf-8"))
    names = [one["name"] for one in told["candidates"]]
    assert names == ["float", "float16", "int8", "mixed"]
    bytes_of = {one["name"]: one["bytes"] for one in told["candidates"]}
    assert bytes_of["int8"] < bytes_of["float16"] < bytes_of["float"]
    assert (tmp_path / "out" / "mixed.tflite").stat().st_size == bytes_of["mixed"]
    assert all(name in result.stdout for name in names)


def test_a_candidate_that_is_not_known_is_named(typed, trained):
    result = typed(trained, "--candidates", "int8,int4")
    assert "--candidates int4 is not known" in str(result.exception)


def test_faces_of_other_labels_may_be_the_gate_where_the_names_are_the_same(
    trained, calibration, tmp_path
):
    # 당황 and 상처 are not what the network answers with: their faces are left out.
    korean = toy_faces(tmp_path / "korean", each=16, labels=KOREAN7)
    arguments = [trained.folder, "--int8", "--calib", calibration.folder, "--faces", korean.folder]
    result = CliRunner().invoke(
        export, [*map(str, arguments), "--gate", "0.9", "-o", str(tmp_path / "out")]
    )
    assert result.exit_code == 0, result.output
    assert "faces left out, whose emotions the bundle lacks" in result.stderr
