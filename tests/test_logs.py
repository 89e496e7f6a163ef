"""Readings in files: JSON lines and tables, full disks, rotation, and what others do to them."""

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sinking import BOX, frame, reading
from waiting import until

from edgefer.edge.reading import Reading
from edgefer.edge.sinks import open_sink, open_sinks
from edgefer.errors import EdgeferError
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge


def write(spec, indices, **options) -> None:
    sink = open_sink(spec, **options)
    for index in indices:
        sink.write(frame(index), [reading()])
    sink.close()


def indices(path) -> list[int]:
    return [json.loads(line)["index"] for line in path.read_text("utf-8").splitlines()]


def table(path) -> list[dict]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# JSON lines


def test_a_json_line_holds_exactly_what_was_agreed(tmp_path):
    sink = open_sink(f"jsonl:{tmp_path / 'log.jsonl'}")
    sink.write(frame(3), [reading(), reading("슬픔", face=1)])
    sink.write(frame(4), [])
    sink.close()
    first, second = map(json.loads, (tmp_path / "log.jsonl").read_text("utf-8").splitlines())
    assert first == {
        "index": 3,
        "seconds": 0.12,
        "face": 0,
        "box": [10, 40, 30, 30],
        "emotion": "happy",
        "confidence": 0.75,
        "flaw": None,
        "probabilities": {"happy": 0.75, "sad": 0.25},
    }
    assert (second["face"], second["emotion"]) == (1, "슬픔")


def test_a_log_is_on_the_disk_while_the_run_goes_on(tmp_path):
    sink = open_sink(f"jsonl:{tmp_path / 'log.jsonl'}")
    sink.write(frame(), [reading()])
    until(lambda: (tmp_path / "log.jsonl").read_text().endswith("}\n"))
    sink.close()


@pytest.mark.parametrize("kind", ["jsonl", "csv", "warnings", "video"])
def test_others_cannot_read_what_is_told_about_people(tmp_path, kind):
    path = tmp_path / ("new.avi" if kind == "video" else "new")
    write(f"{kind}:{path}", [0])
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_log_keeps_the_mode_that_somebody_gave_it(tmp_path, kind):
    path = tmp_path / "log"
    write(f"{kind}:{path}", [0])
    path.chmod(0o604)
    write(f"{kind}:{path}?max=1kB", range(20))
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o604}
    assert len(list(tmp_path.iterdir())) > 1


@pytest.mark.parametrize(("force", "lines"), [(False, 3), (True, 1)])
def test_a_log_is_added_to_unless_forced(tmp_path, force, lines):
    log = tmp_path / "log.jsonl"
    log.write_text('{"index": 0}\n{"index": 1}\n')
    sink = open_sink(f"jsonl:{log}", force=force)
    sink.write(frame(), [reading()])
    sink.close()
    assert len([json.loads(line) for line in log.read_text().splitlines()]) == lines


@pytest.mark.parametrize("text", ["keep me\n", "# edgefer\n", '[{"index": 0}]'])
def test_a_file_of_something_else_is_never_added_to(tmp_path, text):
    (tmp_path / "mine").write_text(text)
    with pytest.raises(EdgeferError, match="mine exists and holds no readings"):
        open_sink(f"jsonl:{tmp_path / 'mine'}")
    assert (tmp_path / "mine").read_text() == text


def test_adding_to_a_log_is_said(tmp_path, capsys):
    (tmp_path / "log.jsonl").write_text('{"index": 0}\n')
    open_sink(f"jsonl:{tmp_path / 'log.jsonl'}").close()
    assert capsys.readouterr().err == f"adding to {tmp_path / 'log.jsonl'}\n"


def test_one_file_for_two_sinks_is_refused(tmp_path):
    with pytest.raises(EdgeferError, match="given twice"):
        open_sinks([f"jsonl:{tmp_path / 'log'}"] * 2)
    with pytest.raises(EdgeferError, match="log is written by another run"):
        open_sinks([f"jsonl:{tmp_path / 'log'}", f"jsonl:{tmp_path}/./log"])


def test_a_line_torn_by_a_power_cut_does_not_swallow_the_next(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"index": 0}\n{"ind')
    sink = open_sink(f"jsonl:{log}")
    sink.write(frame(7), [reading()])
    sink.close()
    assert json.loads(log.read_text().splitlines()[-1])["index"] == 7


def test_a_line_may_hold_the_time_of_day(tmp_path):
    write(f"jsonl:{tmp_path / 'log'}?time=utc", [0])
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", json.loads((tmp_path / "log").read_text())["time"]
    )


def test_a_name_may_hold_a_question_mark(tmp_path):
    write(f"jsonl:{tmp_path / 'why?.jsonl'}", [3])
    assert indices(tmp_path / "why?.jsonl") == [3]


# Rotation


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_full_log_makes_room_and_the_oldest_goes(tmp_path, kind):
    sink = open_sink(f"{kind}:{tmp_path / 'log'}?max=1kB&keep=2")
    for index in range(100):
        sink.write(frame(index), [reading()])
    sink.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    kept = [tmp_path / name for name in ("log.2", "log.1", "log")]
    if kind == "jsonl":
        found = [index for path in kept for index in indices(path)]
    else:
        found = [int(row["index"]) for path in kept for row in table(path)]
    assert found == list(range(found[0], 100))
    assert len(found) > 8


def test_rotation_goes_on_at_the_next_start(tmp_path):
    for first in (0, 10, 20):
        write(f"jsonl:{tmp_path / 'log'}?max=2kB", range(first, first + 10))
    names = sorted((path.name for path in tmp_path.iterdir()), reverse=True)
    assert names == ["log.2", "log.1", "log"]
    assert [i for name in names for i in indices(tmp_path / name)] == list(range(30))


def test_a_line_larger_than_a_file_may_be_is_written_all_the_same(tmp_path):
    long = Reading(0, BOX, "happy", 1.0, {f"emotion {i:040}": 0.0 for i in range(40)})
    sink = open_sink(f"jsonl:{tmp_path / 'log'}?max=1kB")
    for index in range(3):
        sink.write(frame(index), [long])
    sink.close()
    assert [indices(tmp_path / name) for name in ("log.2", "log.1", "log")] == [[0], [1], [2]]


def test_a_log_that_is_moved_away_is_begun_anew(tmp_path):
    sink = open_sink(f"jsonl:{tmp_path / 'log'}")
    sink.write(frame(0), [reading()])
    until(lambda: (tmp_path / "log").stat().st_size)
    (tmp_path / "log").rename(tmp_path / "taken")
    sink.write(frame(1), [reading()])
    sink.close()
    assert (indices(tmp_path / "taken"), indices(tmp_path / "log")) == ([0], [1])


# Tables


def test_a_row_holds_a_reading(tmp_path):
    sink = open_sink(f"csv:{tmp_path / 'log.csv'}")
    sink.write(frame(3, name="가.png"), [reading(), reading("sad", 0.5, face=1)])
    sink.write(frame(4), [])
    sink.close()
    first, second = table(tmp_path / "log.csv")
    assert list(first) == [
        *("time", "index", "seconds", "name", "face", "x", "y", "width", "height"),
        *("emotion", "confidence", "flaw", "happy", "sad"),
    ]
    assert list(first.values())[1:] == [
        *("3", "0.12", "가.png", "0", "10", "40", "30", "30", "happy", "0.75", "", "0.75", "0.25")
    ]
    assert (second["face"], second["emotion"]) == ("1", "sad")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_face_that_was_not_read_says_why(tmp_path, kind):
    sink = open_sink(f"{kind}:{tmp_path / 'log'}")
    sink.write(frame(), [replace(reading(), emotion="unsure", confidence=0.0, flaw="blurred")])
    sink.close()
    rows = (
        table(tmp_path / "log") if kind == "csv" else [json.loads((tmp_path / "log").read_text())]
    )
    assert [row["flaw"] for row in rows] == ["blurred"]


def test_a_table_is_added_to_under_one_header(tmp_path, capsys):
    for index in range(3):
        write(f"csv:{tmp_path / 'log.csv'}", [index])
    assert [row["index"] for row in table(tmp_path / "log.csv")] == ["0", "1", "2"]
    assert capsys.readouterr().err == f"adding to {tmp_path / 'log.csv'}\n" * 2
    write(f"csv:{tmp_path / 'log.csv'}", [9], force=True)
    assert [row["index"] for row in table(tmp_path / "log.csv")] == ["9"]


@pytest.mark.parametrize("cut", [5, 90, -9])
def test_a_table_torn_by_a_power_cut_is_mended(tmp_path, cut):
    log = tmp_path / "log.csv"
    write(f"csv:{log}", [0])
    log.write_bytes(log.read_bytes()[:cut])
    write(f"csv:{log}", [7])
    assert table(log)[-1]["index"] == "7"
    assert table(log)[-1]["happy"] == "0.75"


def test_a_table_of_other_emotions_ends_the_run(tmp_path):
    write(f"csv:{tmp_path / 'log.csv'}", [0])
    before = (tmp_path / "log.csv").read_bytes()
    sink = open_sink(f"csv:{tmp_path / 'log.csv'}")
    sink.write(frame(), [Reading(0, BOX, "기쁨", 1.0, {"기쁨": 1.0})])
    with pytest.raises(EdgeferError, match="log.csv has columns for other emotions than 기쁨"):
        sink.close()
    assert (tmp_path / "log.csv").read_bytes() == before


def test_a_table_of_something_else_is_never_added_to(tmp_path):
    (tmp_path / "mine.csv").write_text("time,money\n")
    with pytest.raises(EdgeferError, match="mine.csv exists and holds no readings"):
        open_sink(f"csv:{tmp_path / 'mine.csv'}")
    assert (tmp_path / "mine.csv").read_text() == "time,money\n"


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_no_cell_is_a_formula(tmp_path, evil):
    sink = open_sink(f"csv:{tmp_path / 'log.csv'}")
    sink.write(frame(name=f"{evil}.png"), [Reading(0, BOX, evil, 1.0, {evil: 1.0})])
    sink.close()
    (row,) = table(tmp_path / "log.csv")
    shown = "'" + re.sub(r"[\t\r]", " ", evil)
    assert (row["name"], row["emotion"], list(row)[-1]) == (f"{shown}.png", shown, shown)


def test_a_file_name_that_is_no_unicode_is_written_readably(tmp_path):
    sink = open_sink(f"csv:{tmp_path / 'log.csv'}")
    sink.write(frame(name="\udcff.png"), [reading()])
    sink.close()
    assert table(tmp_path / "log.csv")[0]["name"] == "?.png"


def test_a_box_past_the_border_stays_a_number(tmp_path):
    sink = open_sink(f"csv:{tmp_path / 'log.csv'}")
    sink.write(frame(), [reading(box=Box(-20, -5, 60, 60))])
    sink.close()
    assert [table(tmp_path / "log.csv")[0][name] for name in "xy"] == ["-20", "-5"]


# Full disks


def test_a_full_disk_is_told_and_counted_and_an_error_at_the_end_if_it_took_nothing(capsys):
    sink = open_sink("jsonl:/dev/full")
    for index in range(5):
        sink.write(frame(index), [reading()])
    until(lambda: sink.fault)
    sink.write(frame(5), [])  # until then the run goes on
    with pytest.raises(EdgeferError, match="written to /dev/full, .* No space left"):
        sink.close()
    assert sink.dropped == 5
    assert capsys.readouterr().err.splitlines() == [
        "/dev/full: No space left on device; trying again, up to 4096 readings wait",
        "/dev/full: 5 readings left undelivered, 5 lost in all",
    ]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_disk_that_took_something_before_it_was_full_is_no_error(tmp_path, kind):
    log = tmp_path / "log"
    log.symlink_to(tmp_path / "disk")
    sink = open_sink(f"{kind}:{log}")
    sink.write(frame(0), [reading()])
    until(lambda: (tmp_path / "disk").stat().st_size)
    (tmp_path / "full").symlink_to("/dev/full")
    (tmp_path / "full").replace(log)
    sink.write(frame(1), [reading()])
    until(lambda: sink.fault)
    sink.close()
    assert sink.dropped == 1


FULL = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from sinking import frame, reading
from waiting import until
from edgefer.edge.sinks import open_sink
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
sink = open_sink(sys.argv[1])
for index in range(50):
    sink.write(frame(index), [reading()])
until(lambda: sink.fault)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sink.write(frame(50), [reading()])
until(lambda: not sink.fault)
sink.close()
print(sink.dropped)
"""


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_when_there_is_room_again_a_log_goes_on_without_a_torn_line(tmp_path, kind):
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", FULL, f"{kind}:{log}", str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "0\n", done.stderr
    found = indices(log) if kind == "jsonl" else [int(row["index"]) for row in table(log)]
    assert found == list(range(51))
    assert done.stderr.splitlines() == [
        f"{log}: File too large; trying again, up to 4096 readings wait",
        f"{log}: works again; 0 readings lost meanwhile",
    ]


def test_a_log_that_is_refused_leaves_nothing_open(tmp_path):
    held = open_sink(f"jsonl:{tmp_path / 'log'}")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        with pytest.raises(EdgeferError, match="written by another run"):
            open_sink(f"jsonl:{tmp_path / 'log'}")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    held.close()
