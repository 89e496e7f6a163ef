"""The page of findings, in a real browser: keys, choices, the list that it saves."""

import csv
import re

import numpy as np
import pytest
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


@pytest.fixture(scope="module")
def findings(faces, tmp_path_factory):
    """The folder of what was found in them."""
    folder = tmp_path_factory.mktemp("review") / "out"
    clean(faces, folder)
    return folder


@pytest.fixture
def page(browser, findings):
    browser.open(findings / "review.html")
    browser.evaluate("localStorage.clear()")
    browser.open(findings / "review.html")
    return browser


def show(browser, html, folder):
    (folder / "review.html").write_text(html, encoding="utf-8")
    browser.open(folder / "review.html")
    return browser


def saved(page):
    """Ids on the list that the page saves."""
    with page.download("drops.csv", "s").open(encoding="utf-8", newline="") as file:
        return {row["id"] for row in csv.DictReader(file)}


def text(page, selector):
    return page.evaluate(f"document.querySelector({selector!r}).textContent")


def test_untouched_it_saves_what_was_suggested(page, findings):
    made = page.download("drops.csv", "s").read_bytes()
    assert made == (findings / "drops.csv").read_bytes()


def test_three_faces_dropped_by_keys_are_gone_from_the_cleaned_set(page, faces, tmp_path):
    page.press("]", "]", "]")  # all, blank, duplicate, near-leak
    assert text(page, ".chip[aria-pressed=true] b") == "near-leak"
    # A group's head is the copy in val; its other face the one in train.
    page.press("d", "j", "d", " ", "d")
    gone = saved(page) - {"happy_000016", "sad_000000"}
    made = apply_drops(faces, page.downloads / "drops.csv", tmp_path / "clean")
    assert len(gone) == 3
    assert len(made) == len(faces) - 5
    kept = ~np.isin(faces.ids, [*gone, "happy_000016", "sad_000000"])
    assert (made.patches == faces.patches[kept]).all()


def test_a_suggestion_is_taken_back_by_a_key(page):
    assert text(page, "#label").startswith("sad 슬픔")
    page.press("x")
    assert saved(page) == {"happy_000016"}


def test_undo_goes_back_step_by_step(page):
    before = saved(page)
    page.press("x", "d", "d", "a", "d")
    assert saved(page) != before
    page.press("u", "u", "u", "u", "u", "u")
    assert saved(page) == before
    assert text(page, "#label").startswith("sad")


def test_only_one_of_a_group_stays(page):
    page.press("]", "]", "]", "j", "a")
    first = {"happy_000012", "happy_000013", "happy_000014", "happy_000015"}
    dropped = saved(page) - {"happy_000016", "sad_000000"}
    assert len(dropped) == 1
    assert dropped <= first


def test_choices_outlive_the_page(page, findings):
    page.press("x")
    before = saved(page)
    page.open(findings / "review.html")
    assert saved(page) == before == {"happy_000016"}


def test_what_the_page_leaves_out_is_still_on_its_list(faces, browser, tmp_path):
    found = [Finding("blank", i, 1, DROP, "x") for i in range(9)]
    page = show(browser, to_html(faces, found, most=3), tmp_path)
    assert page.evaluate("document.querySelectorAll('.tile').length") == 3
    assert "The first 3 of 9 are here" in text(page, ".note")
    assert saved(page) == {f"happy_{i:06d}" for i in range(9)}


def test_a_thousand_findings_are_turned_page_by_page(faces, browser, tmp_path):
    found = [Finding("blank", i % 18, 1, LOOK, "x", f"g{i}") for i in range(1000)]
    page = show(browser, to_html(faces, found, most=5000), tmp_path)
    page.press(*["j"] * 60)
    assert text(page, ".pager span") == "page 2 of 17"
    assert page.evaluate("document.querySelector('.tile.here').dataset.finding") == "60"


@pytest.mark.parametrize("width", [1280, 420])
def test_the_page_fits_its_window(page, width):
    page.resize(width, 900)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    place = "document.querySelector('[data-do=save]').getBoundingClientRect().bottom"
    assert page.evaluate(f"{place} <= innerHeight")
    page.resize(1280, 900)


def test_nothing_is_found_and_said_so(faces, browser, tmp_path):
    page = show(browser, to_html(faces, []), tmp_path)
    assert text(page, "h1") == "Nothing was found in 18 faces"
    page.press("d", "a", "u", "j", "]")
    assert saved(page) == set()


def test_the_other_set_is_shown_beside(browser, tmp_path):
    one, other = drawn(2)
    others = make(tmp_path / "judges", (one, "happy", "test"))
    faces = make(tmp_path / "set", (one, "happy", "train"), (other, "sad"))
    page = show(browser, to_html(faces, search(faces, against=others), against=others), tmp_path)
    assert text(page, ".tile.other .sub") == "judges"
    assert "happy_000000 in test of judges" in text(page, "#why")


def test_hostile_text_stays_text(browser, tmp_path):
    labels = labels_of("custom", "happy", HOSTILE)
    patches = drawn(2)
    with write_faceset(tmp_path / "set", labels, 48, source=HOSTILE) as writer:
        for patch in (patches[0], patches[0], patches[1]):
            writer.add(patch, HOSTILE, split=HOSTILE, person=HOSTILE, origin=HOSTILE)
    faces = FaceSet.load(tmp_path / "set")
    html = to_html(faces, [*search(faces), Finding("suspect", 2, 0.5, LOOK, HOSTILE)])
    assert html.count("<script") == 2
    page = show(browser, html, tmp_path)
    page.press("j", "j", "d", "d")
    assert page.evaluate("document.title") == "set: what may be wrong"
    assert page.evaluate("document.images.length") == 0
    assert HOSTILE in text(page, "#facts")
    assert saved(page) == {f"{HOSTILE}_000001", f"{HOSTILE}_000002"}


def test_nothing_is_loaded_from_anywhere(findings):
    html = (findings / "review.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html
    assert not re.search(r"<[^>]*\s(src|href)=|@import|<link", html.partition("<script")[0])
    assert all(url.startswith("data:image/png") for url in re.findall(r"url\(([^)]*)", html))
