"""The web page in a real browser: what is tuned there, and the README's picture of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from browsing import BOX, look_at, shown, text
from waiting import program
from watching import page, playing, tunable

from edgefer.edge.sinks.vitals import Vitals
from edgefer.edge.words import Words

pytestmark = pytest.mark.edge


def put(browser, name, value):
    """Move a setting as a finger does, and let go."""
    browser.evaluate(
        f"(() => {{ const input = document.getElementById('tune-{name}'); input.value = {value}; "
        "input.dispatchEvent(new Event('input')); input.dispatchEvent(new Event('change')) })()"
    )


def test_a_run_is_tuned_by_touch(browser):
    browser.resize(390, 844)
    tuning = tunable()
    with page(tuning=tuning) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait("!document.getElementById('tuning').hidden")
        browser.evaluate("document.getElementById('tuning').open = true")
        rows = browser.evaluate("document.querySelectorAll('#settings label').length")
        assert rows == len(tuning.to_json()["now"])
        assert "Unsure below\n0.4" in text(browser, "#settings")
        assert browser.evaluate("document.getElementById('typed').hidden")
        put(browser, "unsure", 0.55)
        browser.wait("document.querySelector('#typed code').innerText === '--unsure 0.55'")
        assert tuning.to_json()["now"]["unsure"] == 0.55
        browser.evaluate("document.getElementById('tune-quality').click()")
        browser.wait("document.querySelector('#typed code').innerText.endsWith('--quality off')")
        assert tuning.to_json()["now"]["quality"] is False
        # Somebody else's change is seen, too.
        tuning.ask({"smooth": 1.5})
        browser.wait("document.getElementById('tune-smooth').value === '1.5'")
        browser.evaluate("document.getElementById('restore').click()")
        browser.wait("document.getElementById('typed').hidden")
        assert tuning.to_json()["now"] == tuning.to_json()["start"]


def test_what_was_on_its_way_does_not_undo_what_is_newer(browser):
    tell = "numbers({{...told, time: told.time - {}, frames: -1}})"
    frames = "Number(document.getElementById('frames').innerText)"
    with page() as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait(f"{frames} > 0")
        # In one breath: the next picture tells its own number.
        assert browser.evaluate(f"({tell.format(0.01)}, {frames})") > 0
        assert browser.evaluate(f"({tell.format(0)}, {frames})") == -1


# A picture that says it comes from a run that has lasted for years.
LATE = """
var kept = null, drawn = 0;
picture = (draw => async (data, from) => {
  kept = data;
  await draw(data, from);
})(picture);
async function late(from) {
  const size = new DataView(kept).getUint32(0), image = new Uint8Array(kept, 4 + size);
  const about = JSON.parse(new TextDecoder().decode(new Uint8Array(kept, 4, size)));
  const text = new TextEncoder().encode(JSON.stringify({...about, time: 1e9}));
  const data = new Uint8Array(4 + text.length + image.length);
  new DataView(data.buffer).setUint32(0, text.length);
  data.set(text, 4);
  data.set(image, 4 + text.length);
  await picture(data.buffer, from);
  drawn += 1;
}
"""


def test_a_picture_of_a_run_that_is_over_is_not_shown(browser):
    with page() as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.evaluate(LATE)
        browser.wait("kept !== null")
        browser.evaluate("void late(null)")
        browser.wait("drawn === 1")
        assert browser.evaluate("told.time") < 1e9
        browser.evaluate("void late(socket)")
        browser.wait("drawn === 2")
        assert browser.evaluate("told.time") == 1e9


def test_the_smallest_face_is_drawn_while_it_is_chosen(browser):
    with page(tuning=tunable()) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait("!document.getElementById('tuning').hidden")
        put(browser, "min_face", 120)
        browser.wait("document.getElementById('smallest') !== null")
        sides = "['x', 'y', 'width'].map(side => smallest_.getAttribute(side))"
        drawn = browser.evaluate(f"(smallest_ => {sides})(document.getElementById('smallest'))")
        assert [float(side) for side in drawn] == [100, 60, 120]


def test_a_run_that_comes_back_with_another_detector_has_other_settings(browser):
    yunet, haar = tunable(), tunable()
    yunet._fixed["neighbors"] = "yunet has none"
    rows = "document.querySelectorAll('#settings label').length"
    with page(tuning=yunet) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait(f"{rows} === 5")
        port = sink.port
    with page(tuning=haar, port=port) as sink, playing(sink, 0.04):
        browser.wait(f"{rows} === 6")
        sink.tell(Vitals(warnings=(Words("Look.", "보라."),)))
        browser.wait("document.querySelector('#warnings li')?.textContent === 'Look.'")


def test_the_language_may_change_while_a_setting_is_touched(browser):
    with page(tuning=tunable()) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait("!document.getElementById('tuning').hidden")
        browser.evaluate("document.getElementById('tuning').open = true")
        put(browser, "min_face", 100)
        browser.evaluate("document.getElementById('lang').click()")
        assert "가장 작은 얼굴" in text(browser, "#settings")
        frames = browser.evaluate("Number(document.getElementById('frames').innerText)")
        browser.wait(f"Number(document.getElementById('frames').innerText) > {frames}")
        browser.evaluate("document.getElementById('lang').click()")
        assert "Smallest face" in text(browser, "#settings")


def test_a_value_between_a_sliders_steps_is_shown_as_it_is(browser):
    tuning = tunable()
    tuning.ask({"smooth": 0.12, "unsure": 0.333})
    with page(tuning=tuning) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait("!document.getElementById('tuning').hidden")
        browser.evaluate("document.getElementById('tuning').open = true")
        assert {"0.12", "0.333"} <= set(text(browser, "#settings").split())


def test_a_touch_that_changes_nothing_holds_no_setting(browser):
    tuning = tunable()
    slider = "document.getElementById('tune-smooth')"
    with page(tuning=tuning) as sink, playing(sink, 0.04):
        look_at(browser, sink)
        browser.wait("!document.getElementById('tuning').hidden")
        for event in ("input", "pointerup"):
            browser.evaluate(f"{slider}.dispatchEvent(new Event('{event}'))")
        tuning.ask({"smooth": 2})
        browser.wait(f"{slider}.value === '2'")


@pytest.mark.slow
def test_the_page_of_a_run_which_is_the_readmes_picture(browser, tmp_path):
    """``EDGEFER_PICTURE=docs/web.png pytest -k readmes_picture`` draws it anew."""
    picture = os.environ.get("EDGEFER_PICTURE")
    browser.resize(1280, 1300)
    typed = ["--camera", "synth", "--sink", f"web:0?record={tmp_path / 'readings'}"]
    command = [sys.executable, "-m", "edgefer", "run", *typed]
    with program(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            browser.open(running.stderr.readline().split()[-1])
            browser.wait(f"{BOX} !== null && document.querySelectorAll('.rail').length === 7")
            browser.evaluate("document.getElementById('tuning').open = true")
            put(browser, "unsure", 0.5)
            browser.evaluate("document.getElementById('record').click()")
            browser.wait("Number(document.getElementById('latency').innerText) > 0")
            browser.wait("/^[1-9]/.test(document.getElementById('recorded').innerText)")
            time.sleep(40 if picture else 0)  # for a timeline
            image = shown(browser, Path(picture or tmp_path / "web.png"))
        finally:
            running.send_signal(signal.SIGINT)
            told = running.communicate(timeout=30)[1]
    assert image.shape == (1300, 1280, 3)
    assert "tuned while it ran; to begin so: --unsure 0.5" in told
    assert running.returncode == 0
