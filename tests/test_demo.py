import pytest

from edgefer.demo import MARKER, demo
from edgefer.errors import EdgeferError

pytest.importorskip("tensorflow", reason="the demo trains a network")
pytestmark = pytest.mark.train


@pytest.mark.parametrize("name", ["base/faceset.json", "notes.txt"])
def test_the_demo_touches_no_folder_of_the_users(tmp_path, name):
    (tmp_path / "work" / name).parent.mkdir(parents=True)
    (tmp_path / "work" / name).write_text("mine")
    with pytest.raises(EdgeferError, match="not what an earlier demo made"):
        demo(tmp_path / "work")
    assert [path.name for path in (tmp_path / "work").rglob("*") if path.is_file()] == [
        (tmp_path / name).name
    ]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_is_no_folder_is_one_error(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(EdgeferError, match="-o|cannot write"):
        demo(tmp_path / place)


def test_a_folder_is_the_demos_from_the_first_run_on(tmp_path):
    from edgefer.demo import _claim

    assert not _claim(tmp_path / "out")
    assert (tmp_path / "out" / MARKER).exists()
    assert _claim(tmp_path / "out")
