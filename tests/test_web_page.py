"""The web page in a real browser: boxes and timelines move, both languages, the door."""

import numpy as np
import pytest
from browsing import BOX, HEARD, look_at, shown, text
from watching import Watcher, ask, page, playing, tunable

from edgefer.edge.look import Look
from edgefer.edge.shadow import Agreement
from edgefer.edge.sinks.vitals import Vitals
from edgefer.edge.words import Words
from edgefer.labels import labels_of

pytestmark = pytest.mark.edge

TOKEN = "correct horse battery staple"
LINE = "document.querySelector('.face .line')"


def box(browser):
    sides = ("x", "y", "width", "height")
    return [float(browser.evaluate(f"{BOX}.getAttribute('{side}')")) for side in sides]


def agreement(agreed, other):
    """Of happy faces so many agreed and one did not; of odd ones so many, and none was sad."""
    moves = np.array([[agreed, 1, 0], [0, 0, 0], [0, 0, other]])
    return Agreement(labels_of("three", "happy", "sad", "odd"), moves, np.zeros((2, 10), int))


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


def test_a_page_that_finds_no_place_says_so_and_comes_in_when_there_is_one(browser):
    with page(clients=1) as sink, playing(sink, 0.04):
        with Watcher(sink.port):
            look_at(browser, sink)
            browser.wait(f"{HEARD} === 'full'")
        browser.wait(f"{HEARD} === 'on'")


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


def test_float_beside_int8_is_shown_in_shadow_mode_alone(browser):
    with page() as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait(f"{BOX} !== null")
        assert browser.evaluate("document.getElementById('shadow').hidden")
        sink.tell(Vitals(shadow=agreement(9_999, 1)))
        browser.wait("!document.getElementById('shadow').hidden")
        # Rounded down: 100% would say that all agreed.
        assert text(browser, "#alike") == "99.9%\n10,000 of 10,001 faces answered alike"
        rows = ["happy", "99.9%", "10,000 faces", "sad", "–", "0 faces", "odd", "100%", "1 face"]
        assert text(browser, "#agreement").split("\n") == rows
        widths = [f"document.querySelectorAll('#agreement .rail')[{i}].children" for i in range(3)]
        assert [browser.evaluate(f"{wide}.length") for wide in widths] == [2, 0, 2]
        sink.tell(Vitals(shadow=agreement(3, 1)))
        browser.wait("document.querySelector('#alike b').innerText === '80.0%'")
        assert browser.evaluate(f"{widths[0]}[0].style.width") == "75%"
        browser.evaluate("document.getElementById('lang').click()")
        assert text(browser, "#alike span") == "얼굴 5개 중 4개에서 답이 같음"
        assert {"기쁨", "75.0%", "슬픔", "odd"} <= set(text(browser, "#agreement").split())
        browser.evaluate("document.getElementById('lang').click()")
        sink.tell(Vitals())
        browser.wait("document.getElementById('shadow').hidden")


def test_warnings_stand_above_the_picture_while_there_are_any(browser):
    warnings = (
        Words("It is <b>dark</b>.", "<b>어둡습니다</b>."),
        Words("Faces are small.", "작습니다."),
    )
    with page() as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait(f"{BOX} !== null")
        assert browser.evaluate("document.getElementById('warnings').hidden")
        sink.tell(Vitals(warnings=warnings))
        browser.wait("document.querySelectorAll('#warnings li').length === 2")
        assert text(browser, "#warnings ul") == "It is <b>dark</b>.\nFaces are small."
        above = "{0}.getBoundingClientRect().bottom <= {1}.getBoundingClientRect().top"
        ids = [f"document.getElementById({name!r})" for name in ("warnings", "live")]
        assert browser.evaluate(above.format(*ids))
        # The next picture leaves them alone: they would be read out again.
        browser.evaluate("window.said = document.querySelector('#warnings li')")
        frames = browser.evaluate("Number(document.getElementById('frames').innerText)")
        browser.wait(f"Number(document.getElementById('frames').innerText) > {frames + 2}")
        assert browser.evaluate("window.said.isConnected")
        browser.evaluate("document.getElementById('lang').click()")
        assert text(browser, "#warnings ul") == "<b>어둡습니다</b>.\n작습니다."
        browser.evaluate("document.getElementById('lang').click()")
        sink.tell(Vitals())
        browser.wait("document.getElementById('warnings').hidden")


def test_what_is_unsure_says_so_without_a_share_and_in_its_own_way(browser):
    with page(look=Look("ko")) as sink:
        look_at(browser, sink)
        with playing(sink, 0.04, emotions=("unsure",)):
            browser.wait(f"{BOX} !== null")
            assert browser.evaluate("document.querySelector('#boxes text').textContent") == "불확실"
            assert text(browser, ".face .emotion") == "불확실"
            assert text(browser, ".face .share") == ""
            assert browser.evaluate(f"{BOX}.getAttribute('stroke-dasharray') !== null")
            assert browser.evaluate("color(['unsure', '']) !== color(['neutral', ''])")


def test_why_a_face_is_not_read_stands_in_place_of_its_bars(browser):
    with page() as sink, playing(sink, 0.04, emotions=("unsure",), flaw="dark"):
        look_at(browser, sink)
        browser.wait(f"{BOX} !== null")
        label = "document.querySelector('#boxes text').textContent"
        assert browser.evaluate(label) == "unsure (too dark)"
        assert text(browser, ".face .flaw") == "Not read: too dark."
        assert browser.evaluate("document.querySelector('.bars').offsetHeight") == 0
        browser.evaluate("document.getElementById('lang').click()")
        assert browser.evaluate(label) == "불확실 (너무 어두움)"
        browser.evaluate("document.getElementById('lang').click()")


def test_a_camera_that_is_lost_turns_the_light_amber(browser):
    with page() as sink:
        look_at(browser, sink)
        browser.wait(f"{HEARD} === 'on'")
        sink.tell(Vitals(states={"camera_up": 0.0}))
        browser.wait(f"{HEARD} === 'blind'")
        assert text(browser, "#state") == "the camera is lost; it is opened again"
        sink.tell(Vitals(states={"camera_up": 1.0}))
        with playing(sink, 0.04):
            browser.wait(f"{HEARD} === 'on'")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_cut_off_at_the_side(browser, width):
    browser.resize(width, 800)
    tuning = tunable()
    tuning.ask({"unsure": 0.5, "smooth": 2.5, "min_face": 300, "neighbors": 9, "every": 33})
    with page(tuning=tuning) as sink, playing(sink, 0.04):
        warning = "Grey is " + "very " * 40 + "low" + "!" * 90
        sink.tell(Vitals(warnings=(Words(warning, warning),), shadow=agreement(9_999_999, 1)))
        look_at(browser, sink)
        browser.wait(f"{BOX} !== null")
        assert not browser.evaluate("document.getElementById('shadow').hidden")
        browser.evaluate("document.getElementById('tuning').open = true")
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
    browser.evaluate("last = null")  # the picture that was shown last
    with page(port=port) as sink, playing(sink, 0.04):
        browser.wait(f"{HEARD} === 'on' && last !== null")


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
        browser.evaluate("document.getElementById('kept').open = true")
        browser.wait("document.querySelector('#records a') !== null")
        link = browser.evaluate("document.querySelector('#records a').getAttribute('href')")
        (path,) = tmp_path.iterdir()
        assert link == f"/records/{path.name}"
        assert ask(sink.port, link).body == path.read_text("utf-8")
    assert len([path.name for path in tmp_path.iterdir()]) == 1
