"""The locked environments are those that setup.cfg asks for, and name no machine."""

import ast
import configparser
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = {
    "PIL": "pillow",
    "ai_edge_litert": "ai-edge-litert",
    "cv2": "opencv-python",
    "flatbuffers": "ai-edge-litert",  # which brings it
    "sklearn": "scikit-learn",
    "markupsafe": "jinja2",  # which brings it
    "paho": "paho-mqtt",
    "prometheus_client": "prometheus-client",
    "tensorflow_model_optimization": "tensorflow-model-optimization",
    "tf_keras": "tf-keras",
    "tflite_runtime": "tflite-runtime",
}
LOCKS = {"dev": ("all", "dev"), "edge": ("edge",), "tflite-runtime": ("tflite-runtime",)}
# The oldest Python that each is for.
PYTHONS = {"dev": "3.11", "edge": "3.10", "tflite-runtime": "3.10"}


def wanted(*extras: str) -> list[Requirement]:
    """What edgefer with these extras asks for; an extra that names others is followed."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"].split("\n")
    for extra in extras:
        lines += config["options.extras_require"][extra].split("\n")
    found = [Requirement(line) for line in lines if line]
    inner = {
        extra
        for requirement in found
        if requirement.name == "edgefer"
        for extra in requirement.extras
    }
    return [r for r in found if r.name != "edgefer"] + (wanted(*inner) if inner else [])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_its_extras(lock):
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    pins = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    for requirement in wanted(*LOCKS[lock]):
        marker = requirement.marker
        if marker is not None and not marker.evaluate({"python_version": PYTHONS[lock]}):
            continue
        versions = [version for name, version in pins if name == requirement.name]
        assert versions, f"{requirement} is not in requirements/{lock}.txt: make lock"
        assert all(version in requirement.specifier for version in versions), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_hashed(lock):
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    for package in re.split(r"\n(?=[a-z])", text)[1:]:
        assert "--hash=sha256:" in package


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_path(lock):
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert not re.search(r"://|^--?\w|^#.*/", text, re.MULTILINE)


def test_the_small_environments_hold_no_tensorflow():
    for lock in ("edge", "tflite-runtime"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        assert not re.search(r"^(tensorflow|tf-keras|keras)", text, re.MULTILINE)


def imported(*folders: str) -> set[str]:
    """Distributions that the modules in these folders import, anywhere in them."""
    found = set()
    for path in (path for folder in folders for path in (ROOT / folder).glob("**/*.py")):
        if path == ROOT / "edgefer" / "keras.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    return {DISTRIBUTIONS.get(name, name) for name in found - sys.stdlib_module_names - {"edgefer"}}


def test_the_device_imports_only_what_its_extra_installs():
    extras = wanted("edge", "tflite-runtime", "signing", "mqtt", "metrics", "web", "hangul")
    installed = {requirement.name for requirement in extras}
    installed.add("picamera2")  # from apt only
    assert imported("edgefer", "edge") <= installed


def test_the_workstation_imports_only_what_its_extra_installs():
    extras = wanted("train", "cluster", "tensorboard", "mediapipe", "onnx")
    # The child that tries tflite-runtime runs in that environment.
    found = imported("train", "export") - {"tflite-runtime"}
    assert found <= {requirement.name for requirement in extras}
