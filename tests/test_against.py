"""``compare --against``: what another machine measured, beside what this one did."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_tflite import LABELS, band, tiny_tflite

from edgefer.bundle import write_bundle
from edgefer.edge.commands import compare as command
from edgefer.errors import DataError
from edgefer.facewriter import write_faceset
from edgefer.labels import labels_of
from edgefer.report.against import differences, load_elsewhere
from edgefer.report.comparison import Comparison
from edgefer.report.page import to_html
from edgefer.report.save import to_json
from edgefer.report.table import to_markdown

TWO = labels_of("two", "happy", "sad")
TRUTH = np.repeat([0, 1], [8, 4])


def answers(*wrong: int) -> np.ndarray:
    """The truth, but for these faces."""
    found = TRUTH.copy()
    found[list(wrong)] = 1 - found[list(wrong)]
    return found


def comparison(before=(), after=(), *, targets=TRUTH, labels=TWO, **about) -> Comparison:
    """Twelve faces of which the float and the int8 model get these wrong."""
    return Comparison.of(
        labels,
        targets,
        answers(*before),
        answers(*after),
        bundle="model",
        faceset="faces",
        about={
            "split": "test",
            "translation": {"renames": {}, "faces_left_out": 0},
            "runtime": "LiteRT 2",
            "machine": {"cpu": "a workstation"},
            "bundle_digest": "b" * 64,
            "faceset_digest": "f" * 64,
            **about,
        },
    )


def written(path, **options):
    path.write_text(to_json(comparison(**options)), encoding="utf-8")
    return load_elsewhere(path)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "workstation.json"


def test_each_models_accuracy_there_here_and_the_difference(file):
    there = written(file, before=[0], after=[0, 8])
    found = differences(there, comparison(before=[0], after=[0, 1, 2]))
    assert found["float"] == {
        "faces": 12,
        "there": 11 / 12,
        "here": 11 / 12,
        "difference": 0,
        "emotions": {
            "happy": {"faces": 8, "there": 7 / 8, "here": 7 / 8, "difference": 0},
            "sad": {"faces": 4, "there": 1, "here": 1, "difference": 0},
        },
        "answered_otherwise": 0,
    }
    int8 = found["int8"]
    assert int8["difference"] == pytest.approx(-1 / 12)
    assert int8["emotions"]["happy"]["difference"] == pytest.approx(-2 / 8)
    assert int8["emotions"]["sad"]["difference"] == pytest.approx(1 / 4)
    # Two happy faces more are wrong, one sad face less.
    assert int8["answered_otherwise"] == 3


def test_the_table_and_the_json_say_so(file):
    there = written(file, after=[0])
    told, table = there.beside(comparison(after=[0, 1, 8]))
    rows = [" ".join(line.split()) for line in table.splitlines()]
    assert "happy 기쁨 8 100.0 100.0 0.0 87.5 75.0 -12.5" in rows
    assert "sad 슬픔 4 100.0 100.0 0.0 100.0 75.0 -25.0" in rows
    assert "overall 전체 12 100.0 100.0 0.0 91.7 75.0 -16.7" in rows
    assert f"against {file}: LiteRT 2, a workstation" in table
    assert "at least: 0 by float and 2 by int8." in table
    about = json.loads(to_json(told))["against"]
    assert about["models"] == differences(there, comparison(after=[0, 1, 8]))
    assert (about["file"], about["cpu"]) == (str(file), "a workstation")


def test_an_emotion_without_faces_has_no_row(file):
    three = labels_of("three", "happy", "sad", "calm")
    found, table = written(file, labels=three).beside(comparison(labels=three))
    assert list(found.about["against"]["models"]["int8"]["emotions"]) == ["happy", "sad"]
    assert "calm" not in table


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"bundle_digest": "a" * 64}, "another bundle: digest aaaaaaaaaaaa there, digest bbbbbb"),
        ({"faceset_digest": "a" * 64}, "another face set: digest aaaaaaaaaaaa there, digest ffff"),
        ({"split": "val"}, "another split: val there, test here"),
        (
            {"translation": {"renames": {"calm": ""}, "faces_left_out": 1}},
            "another map: calm= there, none here",
        ),
    ],
)
def test_a_comparison_of_something_else_is_refused_with_what_was_found(file, changed, said):
    there = written(file, **changed)
    with pytest.raises(DataError, match=said):
        there.check("b" * 64, "f" * 64, "test", {})


def test_the_same_is_not_refused(file):
    renames = {"calm": "", "mad": "angry"}
    there = written(file, translation={"renames": renames, "faces_left_out": 1})
    there.check("b" * 64, "f" * 64, "test", {"mad": "angry", "calm": ""})


def test_other_faces_under_the_same_digest_are_refused(file):
    there = written(file)
    other = TRUTH.copy()
    other[0] = 1
    with pytest.raises(DataError, match="other faces: 8, 4 of happy, sad there, 7, 5 here"):
        differences(there, comparison(targets=other))


def test_other_emotions_under_the_same_digest_are_refused(file):
    there = written(file, labels=labels_of("two", "happy", "calm"))
    with pytest.raises(DataError, match="other emotions: happy, calm there, happy, sad here"):
        differences(there, comparison())


def set_in(about, keys, value):
    *way, last = keys
    for key in way:
        about = about[key]
    about[last] = value


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["format"], 2),
        (["bundle_digest"], 7),
        (["split"], "a\x1b[2Jb"),
        (["runtime"], None),
        (["translation"], []),
        (["translation", "renames"], {"calm": 3}),
        (["machine"], "board"),
        (["labels", "names"], ["happy", "happy"]),
        (["confusion", "int8"], [[1, 2]]),
        (["confusion", "int8"], [[1, 2], [3]]),
        (["confusion", "int8"], [[1, -2], [3, 4]]),
        (["confusion", "int8"], [[1, True], [3, 4]]),
        (["confusion", "float"], [[0, 0], [0, 0]]),
        (["confusion", "float"], [[10**15, 0], [0, 0]]),
        (["confusion", "float"], 5),
    ],
)
def test_a_file_that_is_not_right_is_refused_in_one_line(file, keys, value):
    about = json.loads(to_json(comparison()))
    set_in(about, keys, value)
    file.write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(DataError, match="is no comparison: .*edgefer compare -o NAME.json") as told:
        load_elsewhere(file)
    assert "\x1b" not in str(told.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", "[" * 99])
def test_a_file_that_is_no_comparison_is_refused(file, text):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"workstation\.json"):
        load_elsewhere(file)


def test_a_file_that_is_missing_is_told(file):
    with pytest.raises(DataError, match="workstation.json cannot be read"):
        load_elsewhere(file)


def test_what_the_file_says_of_its_machine_does_nothing_to_a_terminal(file):
    there = written(file, machine={"cpu": "a\x1b[2Jboard"})
    assert "\x1b" not in there.beside(comparison())[1]


def test_a_comparison_without_against_says_nothing_of_it():
    assert "against" not in json.loads(to_json(comparison()))


@pytest.fixture
def typed(tmp_path):
    files = {}
    for role, kind in (("float", np.float32), ("int8", np.uint8)):
        files[role] = tmp_path / f"{role}.tflite"
        files[role].write_bytes(tiny_tflite(kind, size=18))
    bundle = write_bundle(tmp_path / "tiny", labels=LABELS, size=18, files=files, history=[])
    with write_faceset(tmp_path / "faces", LABELS, 18, source="test") as writer:
        for i in range(12):
            patch = band(i % 3, 18)
            patch[17, 17] += i  # no face is there twice
            writer.add(patch, LABELS.names[i % 3], split="test" if i < 9 else "val")
    return [str(bundle.folder), str(tmp_path / "faces")]


@pytest.mark.edge
def test_as_typed(typed, file):
    def run(*more):
        return CliRunner().invoke(command, [*typed, *map(str, more)])

    assert run("-o", file).exit_code == 0
    done = run("--against", file)
    assert done.exit_code == 0, done.output
    assert f"against {file}: " in done.stdout
    assert "at least: 0 by float and 0 by int8." in done.stdout
    again = file.with_name("board.json")
    done = run("--against", file, "--json", "-o", again)
    models = json.loads(done.stdout)["against"]["models"]
    assert [models[role]["difference"] for role in ("float", "int8")] == [0, 0]
    # What was told beside another is a comparison like any.
    assert load_elsewhere(again).bundle_digest == load_elsewhere(file).bundle_digest
    done = run("--against", file, "--split", "val")
    assert isinstance(done.exception, DataError)
    assert "another split: test there, val here" in str(done.exception)


@pytest.mark.parametrize("form", [to_html, to_markdown])
def test_reports_hold_the_other_machine_too(file, form):
    there = written(file, before=[0], after=[0, 8])
    here = comparison(before=[0], after=[0, 1, 2])
    both, _ = there.beside(replace(here, about={**here.about, "command": "edgefer compare"}))
    told = form(both)
    assert "workstation.json: LiteRT 2, a workstation" in told
    assert "Faces answered otherwise here, at least: 0 by float and 3 by int8." in told
    assert re.search(r"happy.{0,60}87\.5.{0,90}62\.5", told, re.S)
    assert re.search(r"edgefer compare --against \S*workstation\.json", told)
    assert "gainst another machine" not in form(here)
    assert "answered otherwise" not in form(here)
