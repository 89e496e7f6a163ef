"""Bundles made to harm: every hash is right, and what they say is wrong."""

import hashlib
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from edgefer.bundle import Bundle, Step, write_bundle
from edgefer.errors import BundleError
from edgefer.labels import KOREAN7, Labels
from edgefer.untrusted import MOST_JSON, shown

SUMS = "SHA256SUMS"


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "model").write_bytes(bytes(range(256)))
    return write_bundle(
        tmp_path / "toy",
        labels=KOREAN7,
        size=48,
        files={"int8": tmp_path / "model"},
        history=[Step("train base", {"epochs": 1}, {"faces": "ab"}, {"val": 0.5}, {"numpy": "2"})],
    )


def reseal(bundle, text: str | bytes) -> None:
    """Give a bundle another description and its hash."""
    data = text if isinstance(text, bytes) else text.encode()
    (bundle.folder / "bundle.json").write_bytes(data)
    sums = (bundle.folder / SUMS).read_text()
    digest = hashlib.sha256(data).hexdigest()
    (bundle.folder / SUMS).write_text(sums.replace(bundle.sums["bundle.json"], digest))


def refused(bundle) -> str:
    """The one line that says why, after no more than 64 MiB were asked for."""
    tracemalloc.start()
    try:
        with pytest.raises(BundleError) as caught:
            Bundle.load(bundle.folder).verify()
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 700
    return said


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"format": 1, "history": ' + "[" * 500 + "]" * 500 + "}",  # parsed, but not walked through
        '{"format": ' + "9" * 1_000_000 + "}",
        '{"format": 1, "size": 1e999}',
        '{"format": "\\ud800"}',
        '{"format": 1} {"format": 1}',
        b"\xff\xfe",
        b"",
        "null",
        '"text"',
        "[" + "[]," * 600_000 + "[]]",
        "[" + '"ab",' * 400_000 + "7]",
        " " * (MOST_JSON + 1),
    ],
)
def test_json_that_is_a_trap_is_one_error(bundle, text):
    reseal(bundle, text)
    assert "bundle.json" in refused(bundle)


LABELS = {"name": "fer2", "names": ["happy", "sad"], "korean": ["기쁨", "슬픔"]}
STEP = {"stage": "train base"}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *(("size", size) for size in (0, -1, 3, 1025, 10**9, 10**19, 48.0, "48", True, None, [48])),
        ("size", float("nan")),
        ("size", float("inf")),
        ("labels", None),
        ("labels", ["happy"]),
        ("labels", {**LABELS, "names": [], "korean": []}),
        ("labels", {**LABELS, "names": ["happy", "happy"]}),
        ("labels", {**LABELS, "names": "ab"}),  # two letters are no two labels
        ("labels", {**LABELS, "names": ["happy", 1]}),
        ("labels", {**LABELS, "names": ["happy", " "]}),
        ("labels", {**LABELS, "names": ["happy", "sad\x1b[2J"]}),
        ("labels", {**LABELS, "names": ["happy", "sad\nError: all is well"]}),
        ("labels", {**LABELS, "names": ["happy", "x" * 300]}),
        ("labels", {**LABELS, "korean": ["기쁨"]}),
        ("labels", {**LABELS, "name": {}}),
        ("labels", {**LABELS, "names": [f"{i}" for i in range(1001)]}),
        ("labels", {"name": "fer2", "names": ["happy", "sad"]}),
        ("files", []),
        ("files", {"int8": "../model"}),
        ("files", {"int8": "/etc/passwd"}),
        ("files", {"int8": ".."}),
        ("files", {"int8": ""}),
        ("files", {"int8": 7}),
        ("files", {"int8": "int8.tflite\x00"}),
        ("files", {"int8": "int8.tflite", "\x1b]0;title\x07": "int8.tflite"}),
        ("files", {"int8": "SHA256SUMS"}),
        ("history", {"stage": "train base"}),
        ("history", "train"),
        ("history", [7]),
        ("history", ["stage"]),
        ("history", [{}]),
        ("history", [{"stage": 7}]),
        ("history", [{"stage": "\x1b[2J"}]),
        ("history", [{**STEP, "\x1b[2J" + "x" * 10_000: 1}]),
        ("history", [{**STEP, "scores": []}]),
        ("history", [{**STEP, "scores": {"val": {"accuracy": float("nan")}}}]),
        ("history", [{**STEP, "facesets": {"faces": 1}}]),
        ("history", [{**STEP, "sources": {"faces": ["\x1b[2J" * 10_000]}}]),
        ("preprocess", "\x1b[2J" * 10_000),
        ("preprocess", ["gray-area-1"]),
        ("format", 2),
        ("format", [1]),
    ],
)
def test_a_description_that_says_what_cannot_be_is_one_error(bundle, part, value):
    about = json.loads((bundle.folder / "bundle.json").read_text())
    reseal(bundle, json.dumps({**about, part: value}))
    assert str(bundle.folder) in refused(bundle)


@pytest.mark.parametrize("part", ["format", "labels", "size", "preprocess", "files", "history"])
def test_a_description_that_lacks_a_part_is_one_error(bundle, part):
    about = json.loads((bundle.folder / "bundle.json").read_text())
    del about[part]
    reseal(bundle, json.dumps(about))
    assert str(bundle.folder) in refused(bundle)


@pytest.mark.parametrize(
    "name", ["../model", "/etc/passwd", "..", ".", "SHA256SUMS", "SIGNATURE", "a\x1b[2J", "a\rb"]
)
def test_a_list_of_hashes_names_only_plain_files_of_the_folder(bundle, name):
    with (bundle.folder / SUMS).open("a", newline="") as file:
        file.write(f"{'0' * 64}  {name}\n")
    assert SUMS in refused(bundle)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text + text,
        lambda text: text.upper(),
        lambda text: text + "\n",
    ],
)
def test_a_list_of_hashes_has_one_form(bundle, change):
    path = bundle.folder / SUMS
    path.write_bytes(change(path.read_text()).encode())
    assert SUMS in refused(bundle)


@pytest.mark.parametrize("name", ["bundle.json", SUMS, "int8.tflite"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder", "huge"])
def test_only_an_ordinary_file_is_read(bundle, name, kind):
    path = bundle.folder / name
    aside = path.rename(bundle.folder.parent / "aside")
    if kind == "link":
        path.symlink_to(aside)
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, 2**40)  # takes no room on the disk
    assert name in refused(bundle)


def test_a_folder_that_is_a_link_is_a_bundle(bundle, tmp_path):
    # A device keeps its bundles side by side, and a link to the one in use.
    (tmp_path / "current").symlink_to(bundle.folder)
    Bundle.load(tmp_path / "current").verify()


@pytest.mark.parametrize("name", ["helper.py", ".hidden", "folder", "link"])
def test_a_file_that_is_not_listed_is_named(bundle, name):
    path = bundle.folder / name
    if name == "folder":
        path.mkdir()
    elif name == "link":
        path.symlink_to("int8.tflite")
    else:
        path.touch()
    assert f"{name} is not listed in {SUMS}" in refused(bundle)


def test_a_name_that_is_too_long_is_one_error():
    with pytest.raises(BundleError, match="File name too long"):
        Bundle.load(Path("x" * 5000))


@pytest.mark.parametrize("labels", [("a\x1b", "b"), ("x" * 300, "b"), (" ", "b")])
def test_what_could_not_be_read_again_is_not_written(tmp_path, labels):
    (tmp_path / "model").touch()
    with pytest.raises(BundleError, match="bundle.json lacks or garbles name"):
        write_bundle(
            tmp_path / "out",
            labels=Labels("own", labels, labels),
            size=48,
            files={"int8": tmp_path / "model"},
            history=[],
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("기쁨 × 1", "기쁨 × 1"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\u202egnp.exe", r"\u202egnp.exe"),  # reads backwards
        ("\udc80", r"\udc80"),
        ("x" * 200, "x" * 97 + "..."),
        (["\x1b"], r"['\x1b']"),
    ],
)
def test_what_is_shown_does_nothing_to_a_terminal(text, harmless):
    assert shown(text) == harmless
