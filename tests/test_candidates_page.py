"""The page of ways to export: it stands alone, and nothing in it covers anything."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from ways import candidate, candidates

from edgefer.export import candidates_svg as svg
from edgefer.export.candidates_page import to_html
from edgefer.export.places import Box, place

FRAME = Box(0, 0, 300, 240)


@pytest.fixture(scope="module")
def found():
    return candidates(
        candidate("float16", 1.58, 2000),
        candidate("int8", 0.41, 1010, lost=3, won=9),
        candidate("corrected", 0.40, 1000, lost=5),
        candidate("mixed", 0.8, 1500, lost=90, emotion=1, kept=("dense", "conv")),
        bundle_digest="9f" * 32,
        recipe={"epochs": 8},
        versions={"tensorflow": "2.21.0"},
        when="2026-11-21",
    )


class Tags(HTMLParser):
    """Collects tags, attributes, and what is left open."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_loads_nothing_and_closes_every_tag(found):
    page = Tags(to_html(found))
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not {name for name, _ in page.attributes} & {"src", "href", "onload", "onclick"}
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert page.open == []


def test_ids_are_used_once_and_plots_are_whole(found):
    page = to_html(found)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 12
    for plot in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(plot)


def test_the_page_says_what_to_take_and_where_it_comes_from(found):
    page = to_html(found)
    assert "<h1>Take int8: 3.9 times as fast as float, 25\N{NO-BREAK SPACE}% of the" in page
    assert "corrected is as fast and as small" in page
    assert re.search(r'<tr class="pick">\s*<th scope="row">int8 \*</th>', page)
    assert 'sad <span class="ko">슬픔</span> +15.0<span class="sub">worse</span>' in page
    assert '<td class="kept">dense, conv</td>' in page
    assert '<dd class="hash">' + "9f" * 32 in page
    assert "&#34;epochs&#34;: 8" in page


def test_whatever_came_from_a_file_is_escaped(found):
    labels = replace(found.labels, names=("<i>1", "<i>2", "<i>3"), korean=("<u>1", "<u>2", "<u>3"))
    ones = [
        replace(
            one,
            kept=("<s>layer",),
            drops=tuple(
                replace(row, emotion=name, korean=korean)
                for row, name, korean in zip(one.drops, labels.names, labels.korean, strict=True)
            ),
        )
        for one in found.found
    ]
    odd = replace(
        found,
        bundle="<b>bundle",
        faceset="<b>set",
        split="<b>split",
        labels=labels,
        found=tuple(ones),
        about={"recipe": {"<b>": "</code>"}, "versions": {"<b>": "<b>"}, "when": "<b>"},
    )
    page = to_html(odd)
    assert not re.search(r"<(b|i|u|s)>", page)
    for escaped in ("&lt;i&gt;2", "&lt;u&gt;2", "&lt;s&gt;layer"):
        assert escaped in page


def test_float_alone_has_a_page_too():
    page = to_html(candidates())
    assert "Only float was made" in page
    assert "What each emotion pays" not in page
    Tags(page)


def test_the_front_is_a_line_and_the_beaten_are_paler(found):
    plot = ET.fromstring(svg.pareto(found, "milliseconds", 920))
    assert found.front() == ("int8", "corrected")
    pale = {each.text for each in plot.iter("text") if "beaten" in each.get("class", "")}
    assert pale == {"float", "float16", "mixed"}
    ring = [each for each in plot.iter("circle") if each.get("class") == "ring held"]
    assert len(ring) == 1
    (line,) = plot.iter("polyline")
    corners = [tuple(map(float, each.split(","))) for each in line.get("points").split()]
    assert len(corners) == 4
    assert corners[0][1] == corners[1][1] > corners[2][1] == corners[3][1]  # up, at int8
    assert corners[1][0] == corners[2][0]


def test_bars_are_the_interval_of_the_drop(found):
    plot = ET.fromstring(svg.pareto(found, "gzipped", 920))
    bars = [each for each in plot.iter("line") if each.get("class", "").startswith("span")]
    assert len(bars) == len(found.found) - 1  # float is what was measured
    # The beaten are drawn first: float16, mixed, then int8 and corrected.
    assert [each.get("class") for each in bars[1:3]] == ["span worse beaten", "span held"]
    mixed, int8 = (float(each.get("y2")) - float(each.get("y1")) for each in bars[1:3])
    row, other = found.found[4].overall, found.found[2].overall
    expected = (row.high - row.low) / (other.high - other.low)
    assert mixed / int8 == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("width", [340, 920])
def test_every_emotion_has_a_mark_for_every_candidate(found, width):
    plot = ET.fromstring(svg.emotions(found, width))
    dots = [each for each in plot.iter("circle") if each.get("class", "").startswith("dot")]
    assert len(dots) == 4 * (3 + 1)
    kinds = [each.get("class").split()[1] for each in dots]
    assert kinds.count("worse") == 2  # mixed: overall and sad
    assert kinds.count("too") == 4  # twenty faces of fear
    assert {"기쁨", "슬픔", "공포", "전체"} <= {each.text for each in plot.iter() if each.text}


@pytest.mark.parametrize(
    "points",
    [
        [(150, 120)] * 8,
        [(2, 2), (298, 2), (2, 238), (298, 238), (4, 4), (296, 236)],
        [(40, 20 + 6 * i) for i in range(8)],
        [(20 + 5 * i, 239) for i in range(8)],
    ],
)
def test_labels_never_meet_each_other_or_a_dot(points):
    labels = place(points, [(110, 15)] * len(points), FRAME, radii=[7] * len(points))
    assert len(labels) == len(points)
    for i, label in enumerate(labels):
        assert label.within(FRAME)
        assert not any(label.meets(other) for other in labels[:i])
        assert not any(label.meets(Box(x - 7, y - 7, x + 7, y + 7)) for x, y in points)


def test_a_lone_label_stands_next_to_its_dot_and_off_the_bar():
    bar = Box(145, 0, 155, 240)
    (label,) = place([(150, 120)], [(60, 15)], FRAME, radii=[7], avoid=[bar])
    assert not label.meets(bar)
    assert label.left - 150 < 14 or 150 - label.right < 14


def test_labels_without_any_room_still_stand_inside():
    crowd = place([(20, 20)] * 5, [(40, 15)] * 5, Box(0, 0, 42, 40), radii=[7] * 5)
    assert all(label.within(Box(0, 0, 42, 40)) for label in crowd)
