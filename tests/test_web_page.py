"""The web page in a real browser: boxes and timelines move, both languages, the door."""

import cv2
import numpy as np
import pytest
from chromium import Page
from watching import page, playing

from edgefer.edge.look import Look

pytestmark = pytest.mark.edge

TOKEN = "correct horse battery staple"
BOX = "document.querySelector('#boxes rect')"
LINE = "document.querySelector('.face .line')"
HEARD = "document.getElementById('state').className"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Page(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


def look_at(browser, sink):
    browser.open(f"http://127.0.0.1:{sink.port}/")


def box(browser):
    sides = ("x", "y", "width", "height")
    return [float(browser.evaluate(f"{BOX}.getAttribute('{side}')")) for side in sides]


def shown(browser, path):
    browser.screenshot(path)
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)


def text(browser, selector):
    return browser.evaluate(f"document.querySelector({selector!r}).innerText")


def test_boxes_bars_and_timeline_move(browser, tmp_path):
    browser.resize(390, 844)
    with page() as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait(f"{BOX} !== null && document.querySelectorAll('.rail').length === 3")
        first, image = box(browser), shown(browser, tmp_path / "first.png")
        line, bars = browser.evaluate(f"{LINE}.toDataURL()"), text(browser, ".bars")
        browser.wait(f"Math.abs({BOX}.getAttribute('x') - {first[0]}) > 20")
        browser.wait(f"{LINE}.toDataURL() !== {line!r}")
        browser.wait(f"document.querySelector('.bars').innerText !== {bars!r}")
        second = box(browser)
        later = shown(browser, tmp_path / "second.png")
    # It sways to the right and keeps its height and size.
    assert first[1:] == second[1:] == [60, 80, 80]
    assert image.shape == later.shape == (844, 390, 3)
    assert (image != later).any()


def test_the_box_lies_where_the_face_is(browser):
    browser.resize(1280, 800)
    with page() as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait(f"{BOX} !== null")
        part = browser.evaluate(
            f"(() => {{ const box = {BOX}.getBoundingClientRect(), "
            "all = document.getElementById('picture').getBoundingClientRect(); "
            "return [(box.top - all.top) / all.height, box.height / all.height] })()"
        )
    assert part == pytest.approx([60 / 240, 80 / 240], abs=0.02)


def test_both_languages(browser):
    with page(look=Look("ko")) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.evaluate("localStorage.clear()")
        look_at(browser, sink)
        browser.wait("document.querySelectorAll('.rail').length === 3")
        assert browser.evaluate("document.documentElement.lang") == "ko"
        assert {"기쁨", "슬픔", "중립"} <= set(text(browser, ".bars").split())
        browser.evaluate("document.getElementById('lang').click()")
        assert {"happy", "sad", "neutral"} <= set(text(browser, ".bars").split())
        assert text(browser, "#state") == "live"
        look_at(browser, sink)  # the choice outlives the page
        assert browser.evaluate("document.documentElement.lang") == "en"
        browser.evaluate("localStorage.clear()")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_cut_off_at_the_side(browser, width):
    browser.resize(width, 800)
    with page() as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait(f"{BOX} !== null")
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert browser.evaluate(wide)


def test_the_door_opens_with_the_token_alone(browser):
    with page(token=TOKEN) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait("!document.getElementById('enter').hidden")
        assert browser.evaluate("document.getElementById('main').hidden")
        assert browser.evaluate(HEARD) == "locked"
        for token, then in (
            ("wrong", "document.getElementById('refusal').innerText === 'The token is another.'"),
            (TOKEN, f"{BOX} !== null && document.getElementById('enter').hidden"),
        ):
            browser.evaluate(f"document.getElementById('token').value = {token!r}")
            browser.evaluate("document.getElementById('enter').requestSubmit()")
            browser.wait(then)
        look_at(browser, sink)  # it is remembered, and no script can read it
        browser.wait(f"{BOX} !== null")
        assert browser.evaluate("document.cookie") == ""


def test_it_goes_on_when_the_run_starts_again(browser):
    with page() as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait(f"{BOX} !== null")
        port = sink.port
    browser.wait(f"{HEARD} === 'off'")
    with page(port=port) as sink, playing(sink, 0.04):
        browser.wait(f"{HEARD} === 'on'")


def test_readings_are_recorded_at_a_touch(browser, tmp_path):
    with page(record=tmp_path) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait("!document.getElementById('recording').hidden")
        pressed = "document.getElementById('record').getAttribute('aria-pressed')"
        browser.evaluate("document.getElementById('record').click()")
        browser.wait(f"{pressed} === 'true'")
        browser.wait("/^[1-9]/.test(document.getElementById('recorded').innerText)")
        browser.evaluate("document.getElementById('record').click()")
        browser.wait(f"{pressed} === 'false'")
    assert len([path.name for path in tmp_path.iterdir()]) == 1
