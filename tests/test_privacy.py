"""A run keeps to itself: it writes and sends nothing unless a sink that does so is named."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_tflite import tiny_bundle

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]

# Runs the command with everything that Python does to files, sockets and processes written down.
WATCHED = """
import json, os, sys
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
DEEDS = ("socket.", "subprocess.", "shutil.", "tempfile.", "sqlite3.", "os.exec", "os.spawn",
    "os.posix_spawn", "os.fork", "os.system", "os.mkdir", "os.rename", "os.remove", "os.rmdir",
    "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime", "urllib.", "http.")
seen = []
def look(event, given):
    if event == "open":
        path, mode, flags = given
        writes = flags & WRITES or set(mode or "") & set("wax+")
        if writes and not isinstance(path, int):  # a number is open already
            seen.append(["open", str(path)])
    elif event.startswith(DEEDS):
        seen.append([event, str(given[-1])])
sys.addaudithook(look)
from edgefer.cli import main
try:
    main()
finally:
    sys.stderr.write("SEEN " + json.dumps(seen) + "\\n")
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("privacy") / "parts").folder


@pytest.fixture
def start(bundle, tmp_path):
    """Starts a run, in a home of its own, under a program that watches it."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*watcher, sinks=()):
        options = [option for sink in sinks for option in ("--sink", sink)]
        return subprocess.run(
            [*watcher, "run", str(bundle), "--camera", "synth", "--frames", "20", *options],
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def deeds(done):
    """What a watched run did."""
    assert "20 frames in" in done.stderr, done.stderr
    return json.loads(done.stderr.splitlines()[-1].removeprefix("SEEN "))


def left(tmp_path):
    return sorted(path.name for path in (tmp_path / "home").rglob("*"))


@pytest.mark.parametrize("sinks", [[], ["console"], ["jsonl:-"]])
def test_a_run_writes_no_file_and_opens_no_socket(start, tmp_path, sinks):
    done = start(sys.executable, "-c", WATCHED, sinks=sinks)
    assert deeds(done) == []
    assert left(tmp_path) == []


def test_a_sink_writes_what_it_names_and_nothing_else(start, tmp_path):
    done = start(sys.executable, "-c", WATCHED, sinks=["jsonl:log.jsonl", "csv:log.csv"])
    assert deeds(done) == [["open", "log.jsonl"], ["open", "log.csv"]]
    assert left(tmp_path) == ["log.csv", "log.jsonl"]
    text = (tmp_path / "home" / "log.jsonl").read_text()
    assert set(json.loads(text.splitlines()[0])) == {
        *("index", "seconds", "face", "box", "emotion", "confidence", "flaw", "probabilities")
    }


def test_the_watch_sees_a_socket(start):
    pytest.importorskip("prometheus_client")
    done = start(sys.executable, "-c", WATCHED, sinks=["prometheus:0"])
    assert ["socket.bind", "('127.0.0.1', 0)"] in deeds(done)


def system_calls(trace):
    """Files opened for writing, made, renamed or removed, and sockets of any kind."""
    for line in trace.read_text(errors="replace").splitlines():
        call = re.sub(r"^\d+ +", "", line)
        reads = re.match(r"open(at)?\(", call) and not re.search(r"O_(WRONLY|RDWR|CREAT)", call)
        if not reads:
            yield call


def test_nor_does_any_library_beneath_python(start, tmp_path):
    strace = shutil.which("strace")
    if not strace or subprocess.run([strace, "-o", "/dev/null", "true"], check=False).returncode:
        pytest.skip("no strace that may look")
    trace = tmp_path / "trace"
    calls = "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat"
    calls += ",symlink,symlinkat,socket,connect,bind,sendto,sendmsg,truncate"
    watch = [strace, "-f", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(trace)]
    done = start(*watch, sys.executable, "-m", "edgefer")
    assert "20 frames in" in done.stderr, done.stderr
    assert list(system_calls(trace)) == []
