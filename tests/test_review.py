"""The page of findings, in a real browser: keys, choices, the list that it saves."""

import csv
import re

import numpy as np
import pytest
from chromium import Page
from test_clean import drawn, jpeg, make

from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import labels_of
from edgefer.train.clean.apply import apply_drops
from edgefer.train.clean.findings import DROP, LOOK, Finding
from edgefer.train.clean.review import to_html
from edgefer.train.clean.search import clean, search

HOSTILE = '</script><script>document.title="hacked"</script><img src=x onerror=alert(1)>{{7*7}}'


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Twelve faces, four of them compressed again, one twice, one blank."""
    patches = drawn(12, seed=2)
    rows = [(patch, "happy", "train") for patch in patches]
    rows += [(jpeg(patch, 70), "happy", "val") for patch in patches[:4]]
    rows += [(patches[8], "happy", "train"), (np.zeros((48, 48), np.uint8), "sad", "train")]
    return make(tmp_path_factory.mktemp("review") / "set", *rows)


@pytest.fixture
def page(faces, tmp_path):
    clean(faces, tmp_path / "out")
    with Page(tmp_path / "out" / "review.html", tmp_path) as opened:
        yield opened


def saved(page, folder):
    """Ids on the list that the page saves."""
    path = folder / "drops.csv"
    path.unlink(missing_ok=True)
    page.press("s")
    for _ in range(400):
        if path.exists() and path.stat().st_size:
            break
        page.evaluate("0")
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"] for row in csv.DictReader(file)}


def text(page, selector):
    return page.evaluate(f"document.querySelector({selector!r}).textContent")


def test_untouched_it_saves_what_was_suggested(page, tmp_path):
    saved(page, tmp_path)
    assert (tmp_path / "drops.csv").read_bytes() == (tmp_path / "out" / "drops.csv").read_bytes()


def test_three_faces_dropped_by_keys_are_gone_from_the_cleaned_set(page, faces, tmp_path):
    page.press("]", "]", "]")  # all, blank, duplicate, near-leak
    assert text(page, ".chip[aria-pressed=true] b") == "near-leak"
    # A group's head is the copy in val; its other face the one in train.
    page.press("d", "j", "d", " ", "d")
    gone = saved(page, tmp_path) - {"happy_000016", "sad_000000"}
    made = apply_drops(faces, tmp_path / "drops.csv", tmp_path / "clean")
    assert len(gone) == 3
    assert len(made) == len(faces) - 5
    kept = ~np.isin(faces.ids, [*gone, "happy_000016", "sad_000000"])
    assert (made.patches == faces.patches[kept]).all()


def test_a_suggestion_is_taken_back_by_a_key(page, faces, tmp_path):
    assert text(page, "#label").startswith("sad 슬픔")
    page.press("x")
    assert saved(page, tmp_path) == {"happy_000016"}


def test_undo_goes_back_step_by_step(page, tmp_path):
    before = saved(page, tmp_path)
    page.press("x", "d", "d", "a", "d")
    assert saved(page, tmp_path) != before
    page.press("u", "u", "u", "u", "u", "u")
    assert saved(page, tmp_path) == before
    assert text(page, "#label").startswith("sad")


def test_only_one_of_a_group_stays(page, tmp_path):
    page.press("]", "]", "]", "j", "a")
    first = {"happy_000012", "happy_000013", "happy_000014", "happy_000015"}
    dropped = saved(page, tmp_path) - {"happy_000016", "sad_000000"}
    assert len(dropped) == 1
    assert dropped <= first


def test_choices_outlive_the_page(page, tmp_path):
    page.press("x")
    before = saved(page, tmp_path)
    page.open(tmp_path / "out" / "review.html")
    assert saved(page, tmp_path) == before == {"happy_000016"}


def test_what_the_page_leaves_out_is_still_on_its_list(faces, tmp_path):
    findings = search(faces)
    shown = to_html(faces, [Finding("blank", i, 1, DROP, "x") for i in range(9)], most=3)
    (tmp_path / "review.html").write_text(shown, encoding="utf-8")
    with Page(tmp_path / "review.html", tmp_path) as page:
        assert page.evaluate("document.querySelectorAll('.tile').length") == 3
        assert "The first 3 of 9 are here" in text(page, ".note")
        assert saved(page, tmp_path) == {f"happy_{i:06d}" for i in range(9)}
    assert len(findings) > 3


@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_fits_its_window(faces, tmp_path, width):
    clean(faces, tmp_path / "out")
    with Page(tmp_path / "out" / "review.html", tmp_path, width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(
            "document.querySelector('[data-do=save]').getBoundingClientRect().bottom <= innerHeight"
        )


def test_nothing_is_found_and_said_so(tmp_path):
    faces = make(tmp_path / "set", *((patch, "happy") for patch in drawn(3)))
    (tmp_path / "review.html").write_text(to_html(faces, []), encoding="utf-8")
    with Page(tmp_path / "review.html", tmp_path) as page:
        assert text(page, "h1") == "Nothing was found in 3 faces"
        page.press("d", "a", "u", "j", "]")
        assert saved(page, tmp_path) == set()


def test_the_other_set_is_shown_beside(tmp_path):
    (patch,) = drawn()
    others = make(tmp_path / "judges", (patch, "happy", "test"))
    faces = make(tmp_path / "set", (patch, "happy", "train"), (drawn(2)[1], "sad"))
    clean(faces, tmp_path / "out", against=others)
    with Page(tmp_path / "out" / "review.html", tmp_path) as page:
        assert text(page, ".tile.other .sub") == "judges"
        assert "happy_000000 in test of judges" in text(page, "#why")


def test_hostile_text_stays_text(tmp_path):
    labels = labels_of("custom", "happy", HOSTILE)
    patches = drawn(2)
    with write_faceset(tmp_path / "set", labels, 48, source=HOSTILE) as writer:
        for patch in (patches[0], patches[0], patches[1]):
            writer.add(patch, HOSTILE, split=HOSTILE, person=HOSTILE, origin=HOSTILE)
    faces = FaceSet.load(tmp_path / "set")
    found = [*search(faces), Finding("suspect", 2, 0.5, LOOK, HOSTILE)]
    html = to_html(faces, found)
    assert html.count("<script") == 2
    (tmp_path / "review.html").write_text(html, encoding="utf-8")
    with Page(tmp_path / "review.html", tmp_path) as page:
        page.press("j", "j", "d", "d")
        assert page.evaluate("document.title") == "set: what may be wrong"
        assert page.evaluate("document.images.length") == 0
        assert HOSTILE in text(page, "#facts")
        assert saved(page, tmp_path) == {f"{HOSTILE}_000001", f"{HOSTILE}_000002"}


def test_nothing_is_loaded_from_anywhere(faces):
    html = to_html(faces, search(faces))
    assert "default-src 'none'" in html
    assert set(re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'> ]+)", html)) == set()
    assert all(url.startswith("data:image/png") for url in re.findall(r"url\(([^)]*)", html))
