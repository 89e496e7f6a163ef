"""Sinks: what a run leaves on the console, what a string names, and what is refused."""

import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sinking import frame, reading

from edgefer.edge.sinks import SINKS, open_sink, open_sinks
from edgefer.edge.sinks.console import ConsoleSink
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge


# Console


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self):
        return True


def told(moments, file=None) -> list[str]:
    """Lines a console prints for (seconds, emotions) moments."""
    file = file or io.StringIO()
    sink = ConsoleSink(file)
    for index, (seconds, emotions) in enumerate(moments):
        sink.write(frame(index, seconds), [reading(emotion) for emotion in emotions])
    sink.close()
    return file.getvalue().splitlines()


def test_a_line_comes_when_what_is_seen_changes():
    moments = [(i / 10, ["happy"] if i < 20 else ["sad", "happy"]) for i in range(40)]
    assert told(moments) == ["  0:00.0  happy 75%", "  0:02.0  sad 75%, happy 75%"]


def test_a_moment_of_doubt_earns_no_line():
    moments = [(i / 10, ["sad"] if i == 15 else ["happy"]) for i in range(30)]
    assert told(moments)[0] == "  0:00.0  happy 75%"
    assert not any("sad" in line for line in told(moments))


def test_a_face_that_was_not_read_says_why():
    file = io.StringIO()
    sink = ConsoleSink(file)
    sink.write(frame(), [replace(reading("unsure", 0.0), flaw="turned"), reading("unsure", 0.3)])
    sink.close()
    assert file.getvalue() == "  0:00.0  unsure (turned away), unsure\n"


def test_an_empty_room_is_said():
    assert told([(i / 10, []) for i in range(10)]) == ["  0:00.0  nobody"]


def test_the_last_change_is_told_however_short():
    assert told([(61.5, ["happy"])]) == ["  1:01.5  happy 75%"]


def test_pictures_get_a_line_each_with_their_name():
    file = io.StringIO()
    sink = ConsoleSink(file)
    sink.write(frame(0, name="얼굴.png"), [reading()])
    sink.write(frame(1, name="b.png"), [reading()])
    sink.close()
    assert file.getvalue() == "얼굴.png  happy 75%\nb.png  happy 75%\n"


def test_a_terminal_gets_a_live_line_with_a_bar():
    file = Terminal()
    told([(0.0, ["happy"])], file)
    assert "happy       ###############.....  75%" in file.getvalue()


def test_behind_unsure_stands_no_percentage():
    terminal = Terminal()
    told([(0.0, ["unsure"])], terminal)
    assert told([(0.0, ["unsure"])]) == ["  0:00.0  unsure"]
    assert "unsure      ###############....." in terminal.getvalue()
    assert "%" not in terminal.getvalue()


def test_a_pipe_gets_no_terminal_codes():
    assert "\033" not in "".join(told([(0.0, ["happy"]), (1.0, ["sad"])]))


def test_a_console_without_hangul_goes_on():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    sink = ConsoleSink(file)
    sink.write(frame(), [reading("기쁨")])
    sink.close()
    assert file.buffer.getvalue() == b"  0:00.0  ?? 75%\n"


# What a string names


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("telegraph", "there is no sink 'telegraph'. Choose console, jsonl:PATH"),
        ("jsonl", "jsonl needs a file. Type: --sink jsonl:PATH"),
        ("jsonl:/nowhere/log", "cannot write /nowhere/log: No such file"),
        ("csv:", "csv needs a file"),
        ("csv:-", "csv needs a file. For standard output, try: --sink jsonl:-"),
        ("jsonl:-?max=1MB", "jsonl:- takes no options"),
        ("jsonl:log?max=1", "max=1 must be a size from 1kB on"),
        ("jsonl:log?max=ten", "max=ten must be a size"),
        ("jsonl:log?keep=3", "keep needs a size too. Type: PATH[?]max=10MB&keep=3"),
        ("csv:log?max=1MB&keep=0", "keep=0 must be a number of files"),
        ("csv:log?max=1MB&max=2MB", "max is given twice"),
        ("csv:log?size=1MB", "'size' is no option here. Choose max, keep"),
        ("jsonl:log?time=noon", "time=noon is not known. Type: jsonl:PATH[?]time=utc"),
        ("webhook:", "webhook needs an http:// or https:// address"),
        ("webhook:ftp://host/x", "webhook needs an http:// or https:// address"),
        ("webhook:http://host:0x50/", "this is no web address"),
        ("mqtt:", "mqtt needs a host and a topic. Type: mqtt://user:password@host:1883/topic"),
        ("mqtt://host", "needs a host and a topic"),
        ("mqtt://host/a/+/b", "a topic holds no"),
        ("mqtt://host:port/topic", "this is no address of a broker"),
        ("mqtt://host/topic?qos=2", "'qos' is no option here. Choose ca, cert, key, spool, max"),
        ("mqtt://host/topic?ca=my.pem", "ca is for TLS. Type: mqtts://user:password@host:8883/"),
        ("mqtts://host/topic?cert=my.pem", "cert and key go together"),
        ("mqtts://host/topic?ca=/nowhere/ca.pem", "cannot use /nowhere/ca.pem: No such file"),
        ("mqtt://host/topic?spool=/proc/x", "cannot write /proc/x: "),
        ("prometheus:http", "prometheus:http is not known. Type prometheus:9108"),
        ("prometheus:example.com:9108", "is not known"),
        ("prometheus:70000", "is not known"),
        ("prometheus:192.0.2.1:9108", "metrics cannot be offered at 192.0.2.1:9108"),
        ("video:", "video needs a file"),
        ("video:out.mov", "must end in .mp4 or .avi"),
        ("video:/nowhere/out.mp4", "/nowhere is no folder to write in"),
        ("console:x", "console takes no 'x'"),
        ("no_such_module:Sink", r"'no_such_module:Sink' cannot be imported: No module .*'\.$"),
        ("josnl:log", "'josnl:log' cannot be imported: No .*'josnl'. Did you mean jsonl[?]$"),
        ("josnl:my/log.jsonl?max=1MB", "no sink 'josnl:my/log.*'. Did you mean jsonl[?]$"),
        ("matt://me:secret@host/topic", "no sink 'matt:[*]{3}@host/topic'. Did you mean mqtt[?]$"),
        ("consle", "there is no sink 'consle'. Did you mean console[?]$"),
    ],
)
def test_a_sink_that_cannot_be_is_refused_with_what_to_type(spec, message):
    with pytest.raises(EdgeferError, match=message):
        open_sink(spec)


@pytest.mark.parametrize("name", SINKS)
def test_every_sink_is_named_where_one_is_looked_for(name):
    with pytest.raises(EdgeferError) as refused:
        open_sink("telegraph")
    assert re.search(rf"\b{name}\b", str(refused.value))
    docs = Path(__file__).parents[1] / "docs" / "sinks.md"
    assert f"`{name}" in docs.read_text("utf-8")


@pytest.mark.parametrize(
    "spec",
    [
        "mqqt://user:hunter2@host/topic",
        "mqtt:user:hunter2@host/topic",
        "mqtt://user:hunter2@host:port/topic",
        "mqtt://user:hunter2@host/#",
        "mqtts://user:hunter2@host/topic?cert=a",
        "webhook:user:hunter2@host",
        "webhook:https://user:hunter2@host:x/",
        "webhook:https://user:hunter2@[host/",
        "webhok:https://user:hunter2@host/",
    ],
)
def test_a_refusal_shows_no_password(spec):
    with pytest.raises(EdgeferError) as refused:
        open_sink(spec)
    assert "hunter2" not in str(refused.value)


def test_two_like_sinks_are_refused_without_their_password():
    with pytest.raises(EdgeferError, match="given twice") as refused:
        open_sinks(["mqtt://user:hunter2@host/topic"] * 2)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("spec", "package", "extra"),
    [
        ("mqtt://127.0.0.1/topic", "paho", "mqtt"),
        ("prometheus:0", "prometheus_client", "metrics"),
    ],
)
def test_a_missing_package_is_named_with_what_to_type(spec, package, extra):
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from edgefer.edge.sinks import open_sink; open_sink({spec!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"Try: pip install '.[{extra}]' in edgefer's checkout." in done.stderr.splitlines()[-1]


def test_without_a_display_a_window_is_refused(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EdgeferError, match="no window can be opened: .*Try"):
        open_sink("window")


class Bell:
    """A sink of one's own."""

    closed = 0

    def write(self, frame, readings):
        pass

    def close(self):
        Bell.closed += 1


def test_if_one_sink_cannot_be_opened_the_others_are_closed():
    assert isinstance(open_sink("test_sinks:Bell"), Bell)
    before = Bell.closed
    with pytest.raises(EdgeferError):
        open_sinks(["test_sinks:Bell", "telegraph"])
    assert Bell.closed == before + 1
