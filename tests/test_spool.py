"""The spool: in order, nothing lost by a kill, bounded on the disk."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgefer.edge.sinks.spool import Spool
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge


def messages(first, last):
    return [f"message {i}".encode() for i in range(first, last)]


def files(folder):
    return sorted(path.name for path in folder.glob("*.spool"))


def test_messages_come_out_in_order_over_several_files(tmp_path):
    spool = Spool(tmp_path / "spool", segment=100)
    for i in range(0, 100, 10):
        spool.append(messages(i, i + 10))
    assert len(files(tmp_path / "spool")) == 10
    assert spool.read(35) + spool.read(1000) == messages(0, 100)
    assert (spool.read(1), len(spool)) == ([], 100)
    spool.arrived(100)
    assert (len(spool), files(tmp_path / "spool")) == (0, [])
    spool.append(messages(100, 103))
    assert spool.read(9) == messages(100, 103)
    spool.close()


@pytest.mark.parametrize("arrived", [0, 1, 9, 10, 42, 99, 100])
def test_what_has_not_arrived_comes_again_in_the_next_process(tmp_path, arrived):
    spool = Spool(tmp_path, segment=100)
    for i in range(0, 100, 10):
        spool.append(messages(i, i + 10))
    spool.read(100)
    spool.arrived(arrived)
    spool.close()
    spool = Spool(tmp_path, segment=100)
    assert len(spool) == 100 - arrived
    spool.append(messages(100, 105))
    assert spool.read(1000) == messages(arrived, 105)
    spool.close()


def test_messages_are_safe_from_a_power_cut_after_a_while(tmp_path):
    spool = Spool(tmp_path, segment=100)
    spool.append(messages(0, 3))
    spool.sync()
    assert spool.unsafe == 3  # not each by itself: that would wear the card
    spool.sync(0)
    assert spool.unsafe == 0
    for i in range(3, 30):  # a file that is full is safe before the next one begins
        spool.append(messages(i, i + 1))
        assert spool.unsafe <= 10
    spool.read(30)
    spool.arrived(30)
    assert spool.unsafe == 0
    spool.sync(0)
    spool.close()


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("arsk"), st.integers(1, 30)), max_size=40))
def test_whatever_is_done_nothing_is_lost_or_swapped(tmp_path_factory, deeds):
    folder = tmp_path_factory.mktemp("spool")
    spool, written, read, arrived = Spool(folder, segment=60), 0, 0, 0
    for deed, number in deeds:
        if deed == "a":
            spool.append(messages(written, written + number))
            written += number
        elif deed == "r":
            found = spool.read(number)
            assert found == messages(read, min(read + number, written))
            read += len(found)
        elif deed == "s":
            number = min(number, read - arrived)
            spool.arrived(number)
            arrived += number
        else:
            spool.close()
            spool, read = Spool(folder, segment=60), arrived
        assert len(spool) == written - arrived
    spool.close()


def test_beyond_its_bound_the_oldest_idle_file_goes(tmp_path):
    spool = Spool(tmp_path, segment=1000, limit=4000)
    for i in range(1000, 2000):
        spool.append(messages(i, i + 1))
    left = spool.read(2000)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.spool")) <= 4000
    assert len(left) + spool.dropped == 1000
    assert left[0] == b"message 1000"  # the file that is next to be read is not taken away
    assert left[-200:] == messages(1800, 2000)
    spool.close()


def test_a_line_torn_by_a_power_cut_is_left_out(tmp_path):
    spool = Spool(tmp_path)
    spool.append(messages(0, 3))
    spool.close()
    with (tmp_path / files(tmp_path)[0]).open("ab") as file:
        file.write(b'{"half')
    spool = Spool(tmp_path)
    assert spool.read(9) == messages(0, 3)
    spool.close()


@pytest.mark.parametrize("note", [b"", b"rubbish", b"000000000001 000000000005\n", b"9" * 26])
def test_a_note_that_cannot_be_right_repeats_messages_and_loses_none(tmp_path, note):
    spool = Spool(tmp_path)
    spool.append(messages(0, 3))
    spool.close()
    (tmp_path / "arrived").write_bytes(note)
    spool = Spool(tmp_path)
    assert spool.read(9) == messages(0, 3)
    spool.close()


def test_a_folder_that_somebody_empties_is_counted_and_used_on(tmp_path):
    spool = Spool(tmp_path)
    spool.append(messages(0, 3))
    (tmp_path / files(tmp_path)[0]).unlink()
    assert (spool.read(9), spool.dropped, len(spool)) == ([], 3, 0)
    spool.append(messages(3, 5))
    assert spool.read(9) == messages(3, 5)
    spool.close()


def test_two_runs_do_not_share_a_spool(tmp_path):
    spool = Spool(tmp_path)
    with pytest.raises(EdgeferError, match="is used by another run. Name another folder"):
        Spool(tmp_path)
    spool.close()
    Spool(tmp_path).close()


def test_nobody_else_may_read_a_spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.append(messages(0, 3))
    spool.close()
    for path in [tmp_path / "spool", *(tmp_path / "spool").iterdir()]:
        assert not path.stat().st_mode & 0o077, path


KILLED = """
import os, signal, sys
from pathlib import Path
from edgefer.edge.sinks.spool import Spool
spool = Spool(Path(sys.argv[1]))
for i in range(0, 100, 10):
    spool.append([f"message {j}".encode() for j in range(i, i + 10)])
spool.read(100)
spool.arrived(42)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_loses_nothing(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60)
    assert done.returncode == -9
    spool = Spool(tmp_path)
    assert spool.read(1000) == messages(42, 100)
    spool.close()


FULL = """
import resource, sys
from pathlib import Path
from edgefer.edge.sinks.spool import Spool
spool = Spool(Path(sys.argv[1]))
spool.append([b"x" * 90] * 10)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    spool.append([b"y" * 90] * 10)
except OSError as error:
    print(error.strerror, len(spool))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.append([b"z" * 90] * 10)
print([chr(message[0]) for message in spool.read(99)])
"""


def test_a_full_disk_takes_all_of_it_or_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["File too large 10", str(["x"] * 10 + ["z"] * 10)]


def test_descriptors_are_given_back(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        spool = Spool(tmp_path, segment=10)
        spool.append(messages(0, 3))
        spool.append(messages(3, 6))
        spool.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_spool_that_is_empty_again_holds_no_deleted_file(tmp_path):
    spool = Spool(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for first in (0, 3):
        spool.append(messages(first, first + 3))
        assert spool.read(3) == messages(first, first + 3)
        spool.arrived(3)
        assert len(list(Path("/proc/self/fd").iterdir())) == before
    spool.close()
