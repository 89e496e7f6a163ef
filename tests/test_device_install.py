"""What `pip install '.[edge]'` is enough for, and what it says where more is needed."""

import json
import re
import subprocess
import sys
from importlib import metadata

import pytest
from drawn import drawn, make
from packaging.requirements import Requirement

from edgefer.bundle import Bundle

pytestmark = pytest.mark.edge

HIDING = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
from edgefer.cli import main
main()
"""


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(name: str, extra: str = "") -> set[str]:
    """Distributions that one with an extra brings along, and itself."""
    found, waiting = set(), [(plain(name), extra)]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        for line in metadata.requires(one[0]) or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": one[1]}):
                waiting += [(plain(wanted.name), each) for each in wanted.extras or {""}]
    return {name for name, _ in found}


@pytest.fixture(scope="module")
def program():
    """The program as it is where nothing but the extra edge is installed."""
    there = needed("edgefer", "edge")
    assert {"opencv-python", "ai-edge-litert", "click"} <= there
    hidden = sorted(
        module
        for module, owners in metadata.packages_distributions().items()
        if not there & set(map(plain, owners))
    )
    assert {"aiohttp", "paho", "prometheus_client", "tensorflow", "tf_keras"} <= set(hidden)
    return f"HIDDEN = {hidden!r}\n{HIDING}"


@pytest.fixture
def edgefer(program, tmp_path):
    def call(*arguments):
        command = [sys.executable, "-c", program, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    return call


def test_a_camera_is_read(edgefer):
    done = edgefer("run", "--camera", "synth", "--frames", "5", "--json", "--sink", "csv:out.csv")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 5


def test_the_board_is_measured(edgefer):
    done = edgefer("bench", "small", "--frames", "10", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_float_and_int8_are_compared_and_shown(edgefer, tmp_path):
    labels = Bundle.load("small").labels
    patches = drawn(14)
    rows = [(patch, labels.names[i % 7], "test") for i, patch in enumerate(patches)]
    make(tmp_path / "faces", *rows, labels=labels)
    done = edgefer("compare", "small", "faces", "-o", "report.html")
    assert done.returncode == 0, done.stderr
    assert "overall" in done.stdout
    assert (tmp_path / "report.html").is_file()


def test_the_doctor_looks(edgefer):
    done = edgefer("doctor", "--json")
    assert json.loads(done.stdout)["ok"], done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "extra"),
    [
        (["--sink", "mqtt://127.0.0.1/topic"], "mqtt"),
        (["--sink", "web:0"], "web"),
        (["--sink", "prometheus:0"], "metrics"),
        (["--trusted-key", "key.pem"], "signing"),
    ],
)
def test_what_needs_more_says_what_to_install(edgefer, tmp_path, options, extra):
    (tmp_path / "key.pem").write_text("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n")
    done = edgefer("run", "--camera", "synth", "--frames", "2", *options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"pip install '.[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_pillow_names_are_drawn_in_english(edgefer, tmp_path):
    options = ("--sink", "video:out.mp4", "--lang", "ko")
    done = edgefer("run", "--camera", "synth", "--frames", "2", *options)
    assert done.returncode == 0, done.stderr
    assert "English" in done.stderr
    assert "pip install '.[hangul]'" in done.stderr
    assert (tmp_path / "out.mp4").stat().st_size
