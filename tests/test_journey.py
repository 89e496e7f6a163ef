"""The README's tour, run: faces, base, transfer, calibration, export, compare, camera."""

import json
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

from edgefer.bundle import Bundle
from edgefer.cli import edgefer
from edgefer.labels import KOREAN7

pytest.importorskip("tensorflow", reason="the tour trains a network")
pytestmark = [pytest.mark.train, pytest.mark.edge, pytest.mark.slow]

TOUR = """
data synth -o base --people 20 --takes 3
data synth -o korean --population korean --people 20 --takes 3
data show korean --sheet sheet.png
train base base -o base-model --width 8 --depth 4 --epochs 2 --precision float32
train transfer base-model korean -o model --epochs 1 --precision float32
calib korean -o calibration --per-emotion 10
export model --faces korean --macs 0.7 --multiple 4 --epochs 1 --int8 --calib calibration -o device
"""


def typed(command, cwd, python=sys.executable):
    return subprocess.run(
        [python, "-m", "edgefer", *shlex.split(command)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in TOUR.strip().splitlines():  # here: TensorFlow takes seconds to import
            done = CliRunner().invoke(edgefer, shlex.split(command))
            assert done.exit_code == 0, f"{command}\n{done.output}"
    return folder


def test_the_bundle_remembers_every_step(tour):
    bundle = Bundle.load(tour / "device")
    bundle.verify()
    assert [step.stage for step in bundle.history] == ["train base", "train transfer", "export"]
    assert bundle.labels == KOREAN7
    assert {"keras", "float", "int8"} <= set(bundle.files)
    card = bundle.read("card").decode()
    assert "`train base`" in card
    assert "| `int8.tflite` |" in card


@pytest.mark.parametrize("runtime", ["litert", "tflite-runtime"])
def test_either_runtime_says_what_quantization_cost_each_emotion(tour, runtime, request):
    python = sys.executable
    if runtime == "tflite-runtime":
        python = str(request.getfixturevalue("tflite_python"))
    report = f"{runtime}.html"
    done = typed(f"compare device korean -o {report} --json", tour, python)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [drop["emotion"] for drop in result["drops"]] == list(KOREAN7.names)
    for drop in result["drops"]:
        assert drop["support"] == 6
        assert drop["low"] <= drop["before"] - drop["after"] <= drop["high"]
        assert 0 <= drop["p"] <= 1
    assert "<html" in (tour / report).read_text(encoding="utf-8")


@pytest.mark.parametrize("runtime", ["litert", "tflite-runtime"])
def test_either_runtime_reads_a_camera(tour, runtime, request):
    python = sys.executable
    if runtime == "tflite-runtime":
        python = str(request.getfixturevalue("tflite_python"))
    lines = tour / f"{runtime}.jsonl"
    done = typed(
        f"run device --camera synth:korean --frames 20 --sink jsonl:{lines} --json", tour, python
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 20
    readings = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert len(readings) >= 15
    assert set(readings[0]["probabilities"]) == set(KOREAN7.names)


def test_a_device_without_tensorflow_says_what_to_install_for_training(tour, tflite_python):
    done = typed("train base base -o other", tour, str(tflite_python))
    assert done.returncode == 1
    assert done.stderr == (
        "Error: tensorflow is not installed. Try: pip install '.[train]' in edgefer's checkout\n"
    )
