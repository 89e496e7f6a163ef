"""The folders at the root are the package edgefer, in the tree and when installed."""

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("train", "export", "edge")


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> set[str]:
    """Names in a wheel built from a tree whose links were lost, as in a zip."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, folder)
    for name in ("edgefer", *STAGES):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    for stage in STAGES:
        (folder / "edgefer" / stage).unlink()
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(folder)]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


def files(pattern: str) -> set[str]:
    """Files of the package, named as they are when installed."""
    roots = {"edgefer": "edgefer", **{stage: f"edgefer/{stage}" for stage in STAGES}}
    return {
        f"{package}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, package in roots.items()
        for path in (ROOT / folder).rglob(pattern)
        if path.is_file()
    }


def test_setup_lists_every_package_and_no_other(setup):
    listed = setup["options"]["packages"].split()
    assert sorted(listed) == sorted(
        name.removesuffix("/__init__.py").replace("/", ".") for name in files("__init__.py")
    )


def test_setup_maps_each_stage_to_its_folder(setup):
    lines = setup["options"]["package_dir"].strip().splitlines()
    mapping = dict(line.replace(" ", "").split("=") for line in lines)
    assert mapping == {"edgefer": "edgefer", **{f"edgefer.{stage}": stage for stage in STAGES}}


@pytest.mark.parametrize("stage", STAGES)
def test_a_relative_link_leads_to_each_stage(stage):
    link = ROOT / "edgefer" / stage
    assert link.is_symlink()
    assert link.readlink() == Path("..") / stage


@pytest.mark.slow
def test_a_wheel_holds_every_module_without_the_links(wheel):
    assert files("*.py") == {name for name in wheel if name.endswith(".py")}


@pytest.mark.slow
def test_a_wheel_holds_the_packaged_bundle_and_the_templates(wheel):
    data = (
        files("models/*/*")
        | files("*.html")
        | files("*.j2")
        | files("*.npy")
        | {"edgefer/py.typed"}
    )
    assert data <= wheel


def test_help_imports_nothing_heavy():
    program = (
        "import sys; from edgefer.cli import main\n"
        "sys.argv = ['edgefer', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'numpy', 'cv2', 'tensorflow', 'tf_keras'}.intersection(sys.modules)\n"
        "print('heavy:', *heavy)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.startswith("Usage"), run.stderr
    assert run.stdout.splitlines()[-1] == "heavy:"
