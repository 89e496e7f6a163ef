"""Trials of models on runtimes: what passes, what fails and why, and what was never tried."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from tiny_tflite import SIZE, band, bundle_with, tiny_tflite

from edgefer.edge.classifier import Classifier
from edgefer.errors import BackendError, BundleError, EdgeferError
from edgefer.export.runtimes import MOST, find_tflite_python, try_runtimes
from edgefer.export.verdict import Answer, trials_of
from edgefer.runtimes import Runtimes, Trial

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
MODELS = {"float": tiny_tflite(np.float32), "int8": tiny_tflite(np.uint8)}


@pytest.fixture(scope="module")
def patches():
    """Ten noisy bands of each class."""
    rng = np.random.default_rng(0)
    noise = rng.integers(-20, 20, (30, SIZE, SIZE))
    return np.clip(np.stack([band(i % 3) for i in range(30)]) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def targets():
    return np.arange(30) % 3


def stand_in(folder, program: str) -> Path:
    """A program in the place of the Python that has tflite-runtime."""
    path = folder / "python"
    path.write_text(program)
    path.chmod(0o755)
    return path


def shell(folder, body: str) -> Path:
    """It is called with -I, the script, the model, the patches, and where answers go."""
    return stand_in(folder, f"#!/bin/sh\n{body}\n")


def test_right_models_pass_on_litert(patches, targets):
    found = try_runtimes(MODELS, patches, targets)
    for role in MODELS:
        for name in ("litert", "builtin"):
            trial = found.trials[role][name]
            assert (trial.passed, trial.faces, trial.agreement) == (True, 30, 1), trial
            assert trial.accuracy == 1
            assert trial.version
    assert found.trials["float"]["builtin"].float_agreement is None
    assert found.trials["int8"]["builtin"].float_agreement == 1


def test_right_models_pass_on_tflite_runtime(patches, targets, tflite_python):
    found = try_runtimes(MODELS, patches, targets, tflite_python=tflite_python)
    for role in MODELS:
        trial = found.trials[role]["tflite-runtime"]
        assert (trial.passed, trial.version, trial.agreement) == (True, "2.14.0", 1), trial


def test_without_its_python_tflite_runtime_is_not_tried_and_that_is_said(patches):
    trial = try_runtimes(MODELS, patches).trials["int8"]["tflite-runtime"]
    assert trial.passed is None
    assert trial.reason == "no Python with it is here: see --tflite-python"


def test_of_very_many_faces_some_are_enough(patches):
    many = np.concatenate([patches] * 20)
    assert try_runtimes(MODELS, many).trials["int8"]["litert"].faces == MOST


@pytest.mark.skipif(os.name != "posix", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(
    ("body", "version", "reason"),
    [
        ('echo \'{"version": "9"}\'; kill -SEGV $$', "9", r"it crashes \(signal 11\)"),
        ("kill -ABRT $$", "", r"it crashes \(signal 6\)"),
        ("sleep 30", "", "no answer within 0.5 seconds"),
        ("exit 3", "", "cannot run the model: exit status 3, nothing said"),
        ("echo first >&2; echo 'bad op 12' >&2; exit 1", "", "cannot run the model: bad op 12"),
        ("true", "", "it wrote no answers"),
        ("head -c 9999 /dev/zero; echo x > $5", "", "it wrote no answers"),
        ("echo '[1, 2]'; echo '\x93NUMPY' > $5", "", "it wrote no answers"),
        ("cp $4 $5", "", r"it answers uint8 \(30, 12, 12\), expected float32 \(30, K\)"),
    ],
    ids=["segfault", "abort", "hangs", "status", "error", "nothing", "garbage", "half", "patches"],
)
def test_a_runtime_that_fails_is_no_failure_of_the_export(patches, tmp_path, body, version, reason):
    python = shell(tmp_path, body)
    models = {"int8": MODELS["int8"]}
    found = try_runtimes(models, patches, tflite_python=python, timeout=0.5 if "sl" in body else 60)
    trial = found.trials["int8"]["tflite-runtime"]
    assert (trial.passed, trial.version) == (False, version)
    assert reason.replace("\\", "") in trial.reason
    assert found.trials["int8"]["litert"].passed


@pytest.mark.parametrize("kind", ["no runtime", "no program", "no file"])
def test_a_python_that_has_no_tflite_runtime_is_not_tried(patches, tmp_path, kind):
    python = {"no runtime": Path(sys.executable), "no file": tmp_path / "none"}.get(kind)
    if python is None:
        python = stand_in(tmp_path, "text")
        python.chmod(0o644)
    found = try_runtimes({"int8": MODELS["int8"]}, patches, tflite_python=python)
    trial = found.trials["int8"]["tflite-runtime"]
    assert trial.passed is None
    assert trial.reason.startswith("not tried")
    assert str(python) in trial.reason


def test_a_runtime_that_loads_and_answers_wrongly_fails(patches, targets, tmp_path):
    program = f"""\
    #!{sys.executable}
    import sys
    import numpy as np
    print('{{"version": "2.14.0"}}')
    patches = np.load(sys.argv[4])
    answers = np.full((len(patches), 3), 0.1, np.float32)
    answers[:, 1] = 0.8
    np.save(sys.argv[5], answers)
    """
    python = stand_in(tmp_path, textwrap.dedent(program))
    found = try_runtimes(MODELS, patches, targets, tflite_python=python)
    trial = found.trials["int8"]["tflite-runtime"]
    assert (trial.passed, trial.version) == (False, "2.14.0")
    assert "names another emotion than on LiteRT on 66.7% of 30 faces" in trial.reason
    assert "33.3% of 30 faces rightly, LiteRT 100.0%" in trial.reason


def test_a_damaged_model_fails_where_it_is_looked_through(patches):
    broken = {"float": MODELS["float"], "int8": MODELS["int8"][:-300]}
    found = try_runtimes(broken, patches)
    assert found.trials["float"]["litert"].passed
    for name in ("litert", "builtin"):
        trial = found.trials["int8"][name]
        assert not trial.passed
        assert trial.reason.startswith("LiteRT cannot run the model: ")


def probabilities(count=500, sure=0.8):
    """So sure of class 0 or 1 in turn."""
    rows = np.full((count, 4), (1 - sure) / 3, np.float32)
    rows[np.arange(count), np.arange(count) % 2] = sure
    return rows


def flipped(rows, share):
    """The same, but this share of rows names class 2 instead."""
    rows = rows.copy()
    some = slice(0, int(share * len(rows)))
    rows[some] = np.roll(rows[some], 2, axis=1)
    return rows


RIGHT = probabilities()
NARROW = probabilities(sure=0.26)
KNOWN = np.arange(500) % 2
TILT = np.array([1, -1, 1, -1], np.float32)


@pytest.mark.parametrize(
    ("role", "answers", "reference", "targets", "reason"),
    [
        ("int8", flipped(RIGHT, 0.02), RIGHT, None, ""),
        ("int8", flipped(RIGHT, 0.04), RIGHT, None, "another emotion than on LiteRT on 4.0%"),
        ("int8", flipped(NARROW, 0.5), NARROW, None, ""),  # a step of int8 decides a tie
        ("int8", RIGHT * np.nan, RIGHT, None, "no probabilities"),
        ("int8", RIGHT * 0, RIGHT, None, "no probabilities"),
        ("int8", RIGHT[:, :3], RIGHT, None, "no probabilities"),
        ("float", RIGHT + 0.001 * TILT, RIGHT, None, ""),
        ("float", RIGHT + 0.02 * TILT, RIGHT, None, "is 0.020 from LiteRT's"),
        ("int8", flipped(RIGHT, 0.028), RIGHT, KNOWN, ""),  # 2 points, and twice .7 for chance
        ("int8", flipped(NARROW, 0.1), NARROW, KNOWN, "names 90.0% of 500 faces rightly"),
    ],
)
def test_what_passes_and_what_does_not(role, answers, reference, targets, reason):
    given = {"litert": Answer("1", reference), "builtin": Answer("1", answers)}
    trials = trials_of(role, given, reference, targets)
    assert trials["litert"].passed
    assert (trials["builtin"].passed, bool(trials["builtin"].reason)) == (not reason, bool(reason))
    assert reason in trials["builtin"].reason


def test_int8_that_is_wrong_on_xnnpack_only_fails_there():
    given = {"litert": Answer("1", flipped(RIGHT, 0.3)), "builtin": Answer("1", RIGHT)}
    trials = trials_of("int8", given, RIGHT, None)
    assert (trials["litert"].passed, trials["builtin"].passed) == (False, True)
    assert "than on LiteRT without delegates on 30.0%" in trials["litert"].reason


def test_int8_that_is_wrong_everywhere_fails_everywhere():
    given = {name: Answer("1", flipped(RIGHT, 0.9)) for name in ("litert", "builtin")}
    for trial in trials_of("int8", given, RIGHT, None).values():
        assert "names the emotion of the float model on 10.0% of 500 faces" in trial.reason


TRIALS = {
    "int8": {
        "litert": Trial("2.3.0", True, 30, 1.0, 0.01),
        "builtin": Trial("2.3.0", False, 30, 0.4, 0.9, reason="it names another emotion"),
        "tflite-runtime": Trial("", None, reason="not tried"),
    }
}


def saying(folder, text: str):
    return bundle_with(folder, "runtimes", "runtimes.json", text.encode())


@pytest.fixture
def tried(tmp_path):
    return saying(tmp_path, Runtimes(TRIALS).save(tmp_path / "r.json").read_text())


def test_a_bundle_tells_what_was_tried(tried):
    assert Runtimes.load(tried).trials == TRIALS
    told = json.loads(tried.read("runtimes"))["int8"]
    assert told["litert"] == {
        "version": "2.3.0",
        "passed": True,
        "faces": 30,
        "agreement": 1.0,
        "largest": 0.01,
    }
    assert told["tflite-runtime"] == {
        "version": "",
        "passed": None,
        "faces": 0,
        "reason": "not tried",
    }


def test_a_runtime_on_which_a_model_failed_is_refused_with_what_to_type(tried):
    words = (
        r"int8 model of .* failed on builtin 2\.3\.0 when it was exported: it names another emotion"
        r"\. Try --backend litert, or export the bundle again\."
    )
    with pytest.raises(BackendError, match=words):
        Classifier(tried, backend="builtin")


@pytest.mark.parametrize(("role", "name"), [("int8", "auto"), ("float", "builtin")])
def test_where_it_passed_or_was_not_tried_nothing_is_said(tried, role, name, capsys):
    assert Classifier(tried, role, backend=name).role == role
    assert capsys.readouterr().err == ""


def test_the_command_refuses_in_one_line(tried):
    options = ["--camera", "synth", "--backend", "builtin", "--frames", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "edgefer", "run", tried.folder, *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Try --backend litert, or export the bundle again." in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_later_edgefer_adds_is_passed_over(tmp_path):
    text = '{"int8": {"litert": {"version": "3", "passed": true, "watts": 2}}}'
    assert Runtimes.load(saying(tmp_path, text)).passed("int8") == ["litert"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        '{"int8": 3}',
        '{"int8": {"litert": []}}',
        '{"int8": {"litert": {}}}',
        '{"int8": {"litert": {"version": "1", "passed": "no"}}}',
        '{"int8": {"litert": {"version": "1", "passed": 0}}}',
        '{"int8": {"litert": {"version": 1, "passed": true}}}',
        '{"int8": {"litert": {"version": "1", "passed": false, "reason": {}}}}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:60],
)
def test_a_garbled_file_is_refused(tmp_path, text):
    with pytest.raises(BundleError, match=r"runtimes\.json (lacks or garbles|is n)"):
        Runtimes.load(saying(tmp_path, text))


FIND = "from edgefer.export.runtimes import find_tflite_python; print(find_tflite_python())"


def find(**environment):
    return subprocess.run(
        [sys.executable, "-c", FIND],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_may_name_a_python(tmp_path):
    python = stand_in(tmp_path, "")
    assert find(EDGEFER_TFLITE_PYTHON=str(python)).stdout.strip() == str(python)
    done = find(EDGEFER_TFLITE_PYTHON="/no/such")
    assert "EDGEFER_TFLITE_PYTHON is '/no/such', and no such file is there" in done.stderr


def test_a_python_that_is_named_comes_first_and_must_run(tmp_path):
    python = stand_in(tmp_path, "")
    assert find_tflite_python(python) == python
    python.chmod(0o644)
    with pytest.raises(EdgeferError, match="--tflite-python is .*, which cannot be run"):
        find_tflite_python(python)
    with pytest.raises(EdgeferError, match="and no such file is there"):
        find_tflite_python(tmp_path)


def test_the_python_beside_the_checkout_is_found(tflite_python):
    assert Path(find(EDGEFER_TFLITE_PYTHON="").stdout.strip()) == tflite_python
