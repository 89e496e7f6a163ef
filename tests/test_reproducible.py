# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
"""The same bundle, faces, recipe and versions give the same bytes, wherever and whenever."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toys import toy_bundle, toy_faces, toy_model

pytest.importorskip("tensorflow", reason="export needs TensorFlow")
pytestmark = [pytest.mark.train, pytest.mark.slow]

from edgefer.bundle import Bundle
from edgefer.export.calibration import make_calibration

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """One bundle exported by two processes that hash otherwise, from two folders."""
    folder = tmp_path_factory.mktemp("same")
    faces = toy_faces(folder / "faces")
    trained = toy_bundle(folder / "here", toy_model(faces), faces)
    calibration = make_calibration(faces, folder / "calibration", per_emotion=4)
    there = folder / "quite" / "elsewhere"
    shutil.copytree(trained.folder, there)
    running = []
    for seed, source in (("1", trained.folder), ("4711", there)):
        typed = [source, "--int8", "--calib", calibration.folder, "-o", folder / f"made-{seed}"]
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "edgefer", "export", *map(str, typed)],
                cwd=source.parent,
                env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in running:
        said = process.communicate()[1]
        assert process.returncode == 0, said
    return [Bundle.load(folder / f"made-{seed}") for seed in ("1", "4711")]


@pytest.mark.parametrize("role", ["float", "int8", "audit", "calibration"])
def test_two_processes_in_two_folders_write_the_same_bytes(exports, role):
    one, other = exports
    assert one.read(role) == other.read(role)


def test_the_whole_bundle_is_the_same(exports):
    one, other = exports
    assert one.digest == other.digest
