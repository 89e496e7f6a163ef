import os
import subprocess
import sys

import pytest

from edgefer.errors import DataError
from edgefer.folders import new_folder


def test_a_folder_appears_whole(tmp_path):
    with new_folder(tmp_path / "out", "mark") as folder:
        (folder / "mark").write_text("x")
        assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(TypeError), new_folder(tmp_path / "out", "mark") as folder:
        (folder / "mark").write_text(7)
    assert not list(tmp_path.iterdir())


def test_what_is_there_stays_without_force(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mark").write_text("old")
    with pytest.raises(DataError, match="--force"), new_folder(tmp_path / "out", "mark"):
        pytest.fail("was let in")
    with new_folder(tmp_path / "out", "mark", force=True) as folder:
        (folder / "mark").write_text("new")
    assert (tmp_path / "out" / "mark").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_force_never_replaces_a_folder_of_another_kind(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("x")
    with (
        pytest.raises(DataError, match="holds no mark"),
        new_folder(tmp_path / "photos", "mark", force=True),
    ):
        pytest.fail("was let in")
    assert (tmp_path / "photos" / "me.jpg").exists()


def test_an_old_one_survives_a_failure(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mark").write_text("old")
    with pytest.raises(KeyError), new_folder(tmp_path / "out", "mark", force=True):
        raise KeyError
    assert (tmp_path / "out" / "mark").read_text() == "old"


def test_what_a_killed_run_left_is_swept_up(tmp_path):
    code = (
        "import os, signal, sys, pathlib\n"
        "from edgefer.folders import new_folder\n"
        "with new_folder(pathlib.Path(sys.argv[1]), 'mark') as folder:\n"
        "    (folder / 'mark').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    assert not (tmp_path / "out").exists()
    with new_folder(tmp_path / "out", "mark") as folder:
        (folder / "mark").write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_without_permission_is_one_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="cannot write"), new_folder(tmp_path / "out", "mark"):
        pytest.fail("was let in")


def test_a_file_in_the_way_is_one_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError), new_folder(tmp_path / "file" / "out", "mark"):
        pytest.fail("was let in")
