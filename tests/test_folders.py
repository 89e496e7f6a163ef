import os
import subprocess
import sys
import time

import pytest

from edgefer.errors import DataError
from edgefer.folders import _place, new_folder, refuse


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


def test_the_old_one_comes_back_if_the_new_one_cannot_take_its_name(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mark").write_text("old")
    with pytest.raises(FileNotFoundError):
        _place(tmp_path / "absent", tmp_path / "out")
    assert (tmp_path / "out" / "mark").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def mark_of_a_dead_process():
    code = "from edgefer.folders import _mark; print(_mark(), end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_what_a_kill_between_two_renames_moved_aside_comes_back(tmp_path):
    aside = tmp_path / f".out.abc{mark_of_a_dead_process()}-old"
    aside.mkdir()
    (aside / "mark").write_text("old")
    with (
        pytest.raises(DataError, match="--force"),
        new_folder(tmp_path / "out", "mark"),
    ):
        pytest.fail("was let in")
    assert (tmp_path / "out" / "mark").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_kill_while_clearing_left_goes(tmp_path):
    (tmp_path / f".out.abc{mark_of_a_dead_process()}-old").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mark").write_text("new")
    with new_folder(tmp_path / "out", "mark", force=True) as folder:
        (folder / "mark").write_text("newer")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_job_of_another_machine_is_left_alone_for_a_week(tmp_path):
    theirs = tmp_path / ".out.abc.elsewhere-4026531836.1.partial"
    theirs.mkdir()
    with new_folder(tmp_path / "out", "mark") as folder:
        (folder / "mark").touch()
    assert theirs.exists()
    eight_days_ago = time.time() - 8 * 24 * 3600
    os.utime(theirs, (eight_days_ago, eight_days_ago))
    with new_folder(tmp_path / "out", "mark", force=True) as folder:
        (folder / "mark").touch()
    assert not theirs.exists()


def test_a_folder_of_a_longer_name_is_another_folder(tmp_path):
    other = tmp_path / f".out.b.abc{mark_of_a_dead_process()}"
    other.mkdir()
    with new_folder(tmp_path / "out", "mark") as folder:
        (folder / "mark").touch()
    assert other.exists()


def test_a_missing_source_is_not_a_place_that_cannot_be_written(tmp_path):
    with (
        pytest.raises(DataError, match=r"cannot open .*face\.png: No such file"),
        new_folder(tmp_path / "out", "mark"),
    ):
        (tmp_path / "face.png").read_bytes()


def test_a_full_disk_is_named_with_what_was_to_be_written(tmp_path):
    with (
        pytest.raises(DataError, match=r"cannot write .*out: No space left"),
        new_folder(tmp_path / "out", "mark"),
        open("/dev/full", "w", buffering=1) as full,
    ):
        full.write("x\n")


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
    with pytest.raises(DataError, match="read-only for you"):
        refuse(tmp_path / "new" / "out", "mark", force=True)


def test_a_file_in_the_way_is_one_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError), new_folder(tmp_path / "file" / "out", "mark"):
        pytest.fail("was let in")
