"""Scores and comparisons: what they count, and what the reports say."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from edgefer.errors import EdgeferError
from edgefer.labels import FER7, Labels
from edgefer.report import Comparison, Drop, Latency, Score
from edgefer.report.page import to_html
from edgefer.report.save import check, save, to_json
from edgefer.report.svg import changes, confusion, drops
from edgefer.report.table import to_markdown, to_text

LABELS = Labels("three", ("happy", "sad", "neutral"), ("기쁨", "슬픔", "중립"))


def compared(labels: Labels = LABELS, **rest) -> Comparison:
    """1,000 happy faces that hold, 300 sad that get worse, 20 neutral that are too few."""
    targets = np.repeat([0, 1, 2], [1000, 300, 20])
    before, after = targets.copy(), targets.copy()
    before[:100] = after[:100] = 1  # happy faces that neither recognizes
    after[1000:1030] = 2  # sad ones that only the float model recognizes
    before[1030:1032] = 0  # and two that only the int8 model does
    return Comparison.of(labels, targets, before, after, bundle="b", faceset="f", **rest)


FULL = {
    "sizes": {"float": 4_700_000, "int8": 1_200_000},
    "latency": {"float": Latency(1.2, 1.5, 200), "int8": Latency(0.4, 0.5, 200)},
    "about": {
        "split": "test",
        "runtime": "LiteRT 2.3.0",
        "threads": 1,
        "machine": {"cpu": "Raspberry Pi 5", "cores": 4, "system": "Linux"},
        "history": [
            {"stage": "train", "recipe": {"a": 1}, "facesets": {}, "scores": {}, "versions": {}}
        ],
        "command": "edgefer compare b f",
    },
    "warnings": ("mind the gap",),
}


class Page(HTMLParser):
    """Collects tags, their attributes, and the SVG plots."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


def test_a_score_counts_truth_in_rows_and_answers_in_columns():
    score = Score.of(LABELS, np.array([0, 0, 1]), np.array([0, 1, 1]))
    assert score.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert score.accuracy == pytest.approx(2 / 3)
    assert score.recall.tolist() == [0.5, 1, 0]
    assert score.precision.tolist() == [1, 0.5, 0]


def test_a_score_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"int64 \(2, 2\), not int64 \(3, 3\)"):
        Score(LABELS, np.zeros((2, 2), np.int64))


def test_a_drop_is_before_minus_after():
    sad = compared().drops[1]
    assert (sad.before, sad.after) == (298 / 300, 270 / 300)
    assert sad.drop == pytest.approx(28 / 300)
    assert (sad.turned_wrong, sad.turned_right, sad.changed) == (30, 2, 32)


def test_the_verdicts_tell_worse_from_held_from_too_few():
    assert [row.verdict for row in compared().drops] == ["held", "worse", "too few to tell"]


def test_every_report_says_how_many_people_it_counted():
    persons = np.array([f"p{i % 30}" for i in range(1320)], object)
    whole = compared(persons=persons, labels=replace(LABELS, names=("embarrassed", "b", "c")))
    found = json.loads(to_json(whole))
    assert found["method"]["people"] == 30
    assert [each["people"] for each in found["drops"]] == [30, 30, 0]
    text = to_text(whole)
    assert "p exact sign-flip over 30 people" in " ".join(text.split())
    assert "…" not in text
    for written in (to_markdown(whole), to_html(whole)):
        assert "30 of them" in written
        assert "McNemar test on the faces" not in written
    assert json.loads(to_json(compared()))["method"]["people"] == 0
    assert "exact McNemar" in " ".join(to_text(compared()).split())


def test_the_mean_knows_that_people_show_several_emotions():
    targets = np.tile([0, 1], 200)
    after = targets.copy()
    after[:40] = 2  # the same twenty of 200 people lose both their faces
    persons = np.repeat([f"p{i}" for i in range(200)], 2).astype(object)
    alone, together = (
        Comparison.of(LABELS, targets, targets, after, bundle="b", faceset="f", persons=given)
        for given in (None, persons)
    )
    assert all(not each.people for each in together.drops)
    assert together.balanced.low < alone.balanced.low


def test_a_gain_is_better():
    whole = compared()
    swapped = Comparison.of(
        LABELS,
        np.repeat([0, 1], [100, 300]),
        np.repeat([0, 2, 1], [100, 40, 260]),
        np.repeat([0, 1], [100, 300]),
        bundle="b",
        faceset="f",
    )
    assert swapped.drops[1].verdict == "better"
    assert swapped.drops[1].drop < 0 < whole.drops[1].drop


def test_a_wider_margin_lets_fewer_faces_hold():
    assert compared(margin=0.2).drops[2].verdict == "held"


def test_p_is_corrected_over_the_emotions_and_not_overall():
    whole = compared()
    sad = whole.drops[1]
    assert sad.p == pytest.approx(3 * sad.raw_p)
    assert whole.overall.p == whole.overall.raw_p


def test_emotions_without_faces_have_no_row():
    whole = Comparison.of(
        LABELS, np.array([0, 0]), np.array([0, 1]), np.array([0, 2]), bundle="b", faceset="f"
    )
    assert [row.emotion for row in whole.drops] == ["happy"]
    assert whole.moves.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_the_mean_counts_every_emotion_alike():
    mean = compared().balanced
    assert mean.before == pytest.approx((0.9 + 298 / 300 + 1) / 3)
    assert mean.low < mean.drop < mean.high


def test_faces_that_were_seen_are_left_out_of_the_clean_row():
    seen = np.arange(1320) < 320
    clean = compared(seen=seen).clean
    assert clean is not None
    assert clean.support == 1000
    assert compared(seen=np.zeros(1320, bool)).clean is None


def test_above_names_rows_by_their_measured_drop():
    assert [row.emotion for row in compared().above(0.05)] == ["sad"]
    assert [row.emotion for row in compared().above(0.01)] == ["overall", "sad"]
    assert compared().above(28 / 300) == []


def test_parts_that_count_different_faces_are_refused():
    whole = compared()
    with pytest.raises(ValueError, match="different faces"):
        replace(whole, moves=whole.moves * 2)


def test_a_drop_outside_its_interval_is_refused():
    with pytest.raises(ValueError, match="lies outside"):
        replace(compared().drops[0], low=0.5, high=0.6)


def test_the_json_has_the_promised_keys_and_shares():
    found = json.loads(to_json(compared(**FULL)))
    promised = {"emotion", "support", "before", "after", "low", "high", "p"}
    assert promised <= set(found["overall"])
    assert all(promised <= set(row) for row in found["drops"])
    assert [row["emotion"] for row in found["drops"]] == ["happy", "sad", "neutral"]
    assert found["agreement"] == pytest.approx(1 - 32 / 1320)
    assert found["bytes"] == {"float": 4_700_000, "int8": 1_200_000}
    assert found["speedup"] == pytest.approx(3)
    assert found["runtime"] == "LiteRT 2.3.0"
    assert found["drops"][1]["precision_after"] == pytest.approx(270 / 370)


def test_the_table_fits_80_columns_and_names_emotions_in_both_languages():
    text = to_text(
        compared(labels=replace(LABELS, names=("embarrassed", "sad", "neutral")), **FULL)
    )
    wide = [sum(1 + ("가" <= sign <= "힣") for sign in line) for line in text.splitlines()]
    assert max(wide) <= 80
    assert "…" not in text
    assert "embarrassed 기쁨" in text
    assert "too few to tell" in text
    assert "mind the gap" in text


def test_the_table_obeys_no_markup_and_no_escape_codes():
    text = to_text(replace(compared(), bundle="[red]x[/red]\x1b[2J"))
    assert "[red]x[/red]?[2J" in text
    assert "\x1b" not in text


def test_the_headline_says_what_overall_accuracy_hides():
    text = to_text(compared(margin=0.1))
    assert "int8 costs 2.1 points overall, and 1 of 3 emotions get worse." in text


def test_markdown_holds_the_table_and_the_command():
    text = to_markdown(compared(**FULL))
    assert "| sad 슬픔 | 300 | 99.3 | 90.0 | +9.3 | " in text
    assert "```sh\nedgefer compare b f\n```" in text


def test_markdown_escapes_names():
    assert "&lt;b\\>\\|x" in to_markdown(replace(compared(), bundle="<b>|x"))


def test_the_page_loads_nothing_and_runs_nothing():
    page = Page(to_html(compared(**FULL)))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not {"src", "href"} & {name for name, _ in page.attributes}
    assert not any(name.startswith("on") for name, _ in page.attributes)


def test_the_page_escapes_what_comes_from_files():
    evil = '"><script>alert(1)</script>'
    labels = Labels("evil", (evil, "sad", "neutral"), (evil, "슬픔", "중립"))
    whole = replace(compared(labels, **FULL), bundle=evil, faceset=evil, warnings=(evil,))
    about = dict(FULL["about"], command=evil, split=evil, source=evil)
    about["history"] = [
        {
            "stage": evil,
            "recipe": {evil: evil},
            "facesets": {evil: evil},
            "scores": {evil: evil},
            "versions": {evil: evil},
        }
    ]
    text = to_html(replace(whole, about=about))
    assert "<script" not in text
    assert "script" not in Page(text).tags


def test_the_page_has_every_number_of_the_table():
    text = to_html(compared(**FULL))
    for number in ("+9.3", "99.3", "90.0", "1,320", "LiteRT 2.3.0", "1.20 MB", "0.40 ms"):
        assert number in text


def test_a_bare_comparison_makes_a_page_too():
    assert "happy" in to_html(compared())


def test_the_page_is_the_same_every_time():
    assert to_html(compared(**FULL)) == to_html(compared(**FULL))


@pytest.mark.parametrize("width", [340, 920])
def test_plots_are_whole_xml_with_title_and_description(width):
    whole = compared()
    table = whole.before.confusion
    for text in (
        drops(whole, width),
        confusion(LABELS, table, "t", width),
        changes(LABELS, table - whole.after.confusion, "t", width),
    ):
        root = ElementTree.fromstring(text)
        assert root.findtext("title")
        assert "sad" in root.findtext("desc")


def test_every_dot_lies_on_its_interval():
    whole = compared()
    root = ElementTree.fromstring(drops(whole, 920))
    spans = [line for line in root.iter("line") if "span" in line.get("class")]
    dots = [float(dot.get("cx")) for dot in root.iter("circle")]
    assert len(spans) == len(dots) == 2 + len(whole.drops)
    for line, x in zip(spans, dots, strict=True):
        assert float(line.get("x1")) <= x <= float(line.get("x2"))


@pytest.mark.parametrize("suffix", [".html", ".md", ".json", ".HTML"])
def test_a_report_is_written_by_its_suffix(tmp_path, suffix):
    path = tmp_path / "new" / f"보고서{suffix}"
    check([path])
    save(compared(**FULL), path)
    assert "sad" in path.read_text(encoding="utf-8")
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_reports_are_refused_before_the_work(tmp_path):
    (tmp_path / "there.md").touch()
    with pytest.raises(EdgeferError, match="--force"):
        check([tmp_path / "there.md"])
    with pytest.raises(EdgeferError, match=r"NAME\.html, NAME\.md, NAME\.json"):
        check([tmp_path / "report.pdf"])
    with pytest.raises(EdgeferError, match="no folder"):
        check([tmp_path / "there.md" / "report.md"])
    check([tmp_path / "there.md"], force=True)


def test_seven_emotions_of_one_face_each_are_too_few():
    answers = np.arange(7)
    whole = Comparison.of(FER7, answers, answers, answers[::-1].copy(), bundle="b", faceset="f")
    assert {row.verdict for row in whole.drops} == {"too few to tell"}
    assert isinstance(whole.drops[0], Drop)
    assert "Too few faces to tell" in to_text(whole)
