"""``edgefer doctor``: the whole list on any machine, whole or half, and what to type."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from tiny_tflite import LABELS, SIZE, tiny_bundle, tiny_tflite

from edgefer.bundle import write_bundle
from edgefer.edge.doctor import Check, format_checks
from edgefer.edge.proof import look_at_model
from edgefer.export.golden import make_golden
from edgefer.reference import Confidence, Reference

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]


def doctor(folder, *options, missing=("tensorflow",), python=sys.executable):
    """Run it where these packages are as good as missing, and what lies in the folder is there."""
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({missing!r}))\n"
    )
    return subprocess.run(
        [python, "-m", "edgefer", "doctor", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )


def found(done) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_here_nothing_is_broken(tmp_path):
    done = doctor(tmp_path, "--json")
    checks = found(done)
    assert done.returncode == 0, done.stdout
    assert {"Python", "edgefer", "NumPy", "OpenCV", "cascades", "video", "LiteRT"} <= set(checks)
    assert checks["model"]["status"] == "ok"
    assert "runs the model" in checks["XNNPACK"]["found"]
    assert checks["confidence"]["status"] == "ok"


@pytest.mark.train
@pytest.mark.slow
def test_tensorflow_is_seen_without_being_imported_here():
    program = (
        "import sys\nfrom edgefer.edge.doctor import examine\n"
        "print(*(check.found for check in examine() if check.name == 'TensorFlow'))\n"
        "print(sorted({'tensorflow', 'cv2', 'numpy', 'ai_edge_litert'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    about, imported = done.stdout.splitlines()
    assert about.startswith("2.")
    assert imported == "[]"


def test_a_person_reads_the_remedy_under_the_problem():
    text = format_checks(
        [Check("NumPy", "ok", "2.4"), Check("runtime", "broken", "none", "pip install it")]
    )
    assert text.splitlines() == [
        "ok      NumPy          2.4",
        "broken  runtime        none",
        "                       try: pip install it",
        "",
        "1 broken",
    ]


@pytest.mark.parametrize(
    ("missing", "name", "fix"),
    [
        ({"cv2"}, "OpenCV", "pip install '.[edge]' in edgefer's checkout"),
        (
            {"ai_edge_litert", "tflite_runtime"},
            "runtime",
            "pip install '.[edge]' in edgefer's checkout",
        ),
        ({"numpy"}, "NumPy", "pip install '.[edge]' in edgefer's checkout"),
    ],
    ids=["no OpenCV", "no runtime", "no NumPy"],
)
def test_a_missing_package_is_broken_and_the_list_is_whole(tmp_path, missing, name, fix):
    done = doctor(tmp_path, "--json", missing=("tensorflow", *missing))
    checks = found(done)
    assert done.returncode == 1, done.stderr
    assert (checks[name]["status"], checks[name]["fix"]) == ("broken", fix)
    assert "--force-reinstall" not in checks["OpenCV"]["fix"]  # its cause lies elsewhere
    assert "TensorFlow" in checks
    assert json.loads(done.stdout)["ok"] is False


def test_a_missing_system_library_is_named_with_its_package(tmp_path):
    error = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({error!r})")
    done = doctor(tmp_path)
    assert done.returncode == 1
    assert "libGL.so.1" in done.stdout
    assert "try: sudo apt install libgl1" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_what_is_there_and_broken_is_installed_anew(tmp_path):
    for name in ("cv2", "PIL"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('half of it is gone')")
    checks = found(doctor(tmp_path, "--json"))
    assert "half of it is gone" in checks["OpenCV"]["found"]
    assert "does not work" in checks["hangul"]["found"]
    for name, package in {"OpenCV": "opencv-python", "hangul": "Pillow"}.items():
        fix = f"pip install --force-reinstall --no-deps {package}=={version(package)}"
        assert checks[name]["fix"] == fix


def test_an_opencv_without_cascades_is_broken(tmp_path):
    fake = """
__version__ = "5.0.0"
CAP_FFMPEG, CAP_GSTREAMER, CAP_V4L2 = 1, 2, 3
class VideoCapture: pass
class videoio_registry:
    hasBackend = staticmethod(lambda api: api == 1)
class error(Exception): pass
"""
    (tmp_path / "cv2.py").write_text(fake)
    done = doctor(tmp_path, "--json")
    checks = found(done)
    assert checks["cascades"]["status"] == "broken"
    assert "opencv-python" in checks["cascades"]["fix"]
    assert checks["video"]["found"] == "reads through FFMPEG"


def test_a_runtime_that_crashes_is_reported_and_does_not_take_doctor_along(tmp_path):
    package = tmp_path / "ai_edge_litert"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text("import os; os.abort()")
    done = doctor(tmp_path, "--json")
    check = found(done)["LiteRT"]
    assert check["status"] == "broken"
    assert "crashes (signal 6)" in check["found"]


def test_where_only_tflite_runtime_is_installed_nothing_is_broken(tflite_python, tmp_path):
    done = doctor(tmp_path, "--json", python=tflite_python)
    checks = found(done)
    assert done.returncode == 0, done.stdout
    assert checks["tflite-runtime"]["status"] == "ok"
    assert "LiteRT" not in checks


def test_what_is_optional_and_missing_is_a_note_with_what_to_type(tmp_path):
    extras = {"mqtt": "paho", "web": "aiohttp", "metrics": "prometheus_client"}
    extras |= {"signing": "cryptography", "hangul": "PIL"}
    done = doctor(tmp_path, "--json", missing=("tensorflow", *extras.values()))
    checks = found(done)
    assert done.returncode == 0, done.stdout
    for name in extras:
        assert checks[name]["status"] == "note"
        assert "is not installed; " in checks[name]["found"]
        assert checks[name]["fix"] == f"pip install '.[{name}]' in edgefer's checkout"


def test_what_is_optional_and_there_is_tried(tmp_path):
    pytest.importorskip("aiohttp", reason="no aiohttp: pip install '.[web]'")
    old = tmp_path / "paho" / "mqtt"
    old.mkdir(parents=True)
    for path in (old.parent / "__init__.py", old / "__init__.py", old / "client.py"):
        path.write_text("")  # paho-mqtt 1 has no enums.py
    checks = found(doctor(tmp_path, "--json"))
    assert checks["web"]["status"] == "ok"
    assert "--sink web:PORT works" in checks["web"]["found"]
    assert checks["mqtt"]["status"] == "note"
    assert "--sink mqtt:// does not work: " in checks["mqtt"]["found"]
    assert "No module named 'paho.mqtt.enums'" in checks["mqtt"]["found"]
    assert checks["mqtt"]["fix"].startswith("pip install --force-reinstall --no-deps paho-mqtt==")


def golden_bundle(folder, *, wrong=False, reference=None):
    """A tiny bundle with golden vectors, its own or those of quite another int8 model."""
    models = {"float": tiny_tflite(np.float32), "int8": tiny_tflite(np.uint8)}
    golden = make_golden(models, SIZE)
    if wrong:
        golden.answers["int8"][:] = np.roll(golden.answers["int8"], 1, axis=1)
    plain = tiny_bundle(folder / "parts")
    files = {role: plain.path(role) for role in plain.files}
    files["golden"] = golden.save(folder / "golden.npz")
    if reference:
        files["reference"] = reference.save(folder / "reference.json")
    return write_bundle(folder / "golden", labels=LABELS, size=SIZE, files=files, history=[])


def of(done, name) -> list[dict[str, str]]:
    return [check for check in json.loads(done.stdout)["checks"] if check["name"] == name]


def test_every_runtime_answers_the_golden_patches_of_a_bundle(tmp_path):
    bundle = golden_bundle(tmp_path)
    done = doctor(tmp_path, "--bundle", str(bundle.folder), "--json")
    assert done.returncode == 0, done.stdout
    assert of(done, "model")[0]["found"].startswith(f"{bundle.folder}, every hash right; happy")
    told = [check["found"] for check in of(done, "golden")]
    assert len(told) == 2
    assert told[0].endswith("float and int8 answer the golden patches as they should")
    assert "without delegates" in told[1]
    assert of(done, "XNNPACK")[0]["status"] == "ok"


def test_a_runtime_that_computes_wrongly_is_broken(tmp_path):
    bundle = golden_bundle(tmp_path, wrong=True)
    done = doctor(tmp_path, "--bundle", str(bundle.folder), "--json")
    assert done.returncode == 1
    first, second = of(done, "golden")
    # "auto" takes the first; the second is only for those who ask for it.
    assert (first["status"], second["status"]) == ("broken", "note")
    assert "computes the int8 model of" in first["found"]
    assert "golden patches a probability is off" in first["found"]


def confidence(temperature=None) -> Confidence:
    return Confidence((0.3, 0.4, 0.5, 0.6, 0.7), temperature, 1234 if temperature else 0)


def looked(bundle) -> dict[str, Check]:
    """What is told of a bundle, and no more."""
    return {check.name: check for check in look_at_model(bundle, [])}


@pytest.mark.parametrize(
    ("float_", "int8", "status", "said"),
    [
        (2.0, 1.25, "ok", "calibrated by 1,234 labelled faces; faces unlike its 80 calibration"),
        (None, None, "note", "not calibrated; faces unlike its 80 calibration faces are a warning"),
        (2.0, None, "note", "not calibrated; faces unlike its 80"),
    ],
)
def test_a_bundle_tells_whether_its_confidence_is_calibrated(tmp_path, float_, int8, status, said):
    models = {"float": confidence(float_), "int8": confidence(int8)}
    known = Reference(80, (20, 50, 120, 200, 240), (0.1, 0.2, 0.3, 0.4, 0.5), models)
    check = looked(golden_bundle(tmp_path, reference=known).folder)["confidence"]
    assert check.status == status
    assert check.found.startswith(said)
    assert bool(check.fix) == (status == "note")


def test_a_bundle_without_a_reference_is_told_how_to_get_one(tmp_path):
    bundle = golden_bundle(tmp_path)
    check = looked(bundle.folder)["confidence"]
    assert "the bundle has no reference.json" in check.found
    assert check.fix == f"edgefer export {bundle.folder} --int8 --calib DIR --faces FACES -o NEW"


def test_a_changed_file_of_a_bundle_is_named(tmp_path):
    bundle = golden_bundle(tmp_path)
    (bundle.folder / "float.tflite").write_bytes(b"other")
    check = looked(bundle.folder)["model"]
    assert check.status == "broken"
    assert "float.tflite was changed" in check.found


def test_a_packaged_bundle_is_looked_at_by_its_name():
    assert looked(Path("small"))["model"].found.startswith("small, every hash right; angry")


def test_a_bundle_that_is_not_there_is_broken_in_one_line(tmp_path):
    done = doctor(tmp_path, "--bundle", "nowhere", "--json")
    assert done.returncode == 1
    assert "nowhere is no bundle" in of(done, "model")[0]["found"]
    assert "Traceback" not in done.stderr


def test_where_only_tflite_runtime_is_installed_the_golden_patches_are_answered(
    tflite_python, tmp_path
):
    bundle = golden_bundle(tmp_path)
    done = doctor(tmp_path, "--bundle", str(bundle.folder), "--json", python=tflite_python)
    (check,) = of(done, "golden")
    assert check["found"].startswith("tflite-runtime 2.14.0: float and int8 answer")
