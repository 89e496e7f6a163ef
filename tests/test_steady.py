"""Answers made steady: what is smoothed, when another emotion is told, and who is forgotten."""

import json
import math
import pickle

import numpy as np
import pytest
from click.testing import CliRunner
from loops import BrightClassifier, ListCamera, ListSink
from scenes import Scene
from tiny_tflite import tiny_bundle

from edgefer.edge.faces import Reader
from edgefer.edge.reading import Reading
from edgefer.edge.run_command import run as command
from edgefer.edge.steady import GAP, MARGIN, Steady
from edgefer.edge.stream import run
from edgefer.edge.track import Follower
from edgefer.edge.watcher import Watcher
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge

BOX = Box(0, 0, 40, 40)
NAMES = ("happy", "sad", "neutral")


def reading(*shares, face=0) -> Reading:
    best = int(np.argmax(shares))
    return Reading(face, BOX, NAMES[best], shares[best], dict(zip(NAMES, shares, strict=True)))


HAPPY, SAD = reading(0.8, 0.1, 0.1), reading(0.1, 0.8, 0.1)


def told(steady, pictures, pace=1 / 30) -> list[str]:
    """The emotion told of each picture's only face."""
    return [steady(i * pace, [picture])[0].emotion for i, picture in enumerate(pictures)]


def noise(pictures, face=0, seed=0) -> list[Reading]:
    shares = np.random.default_rng(seed).dirichlet(np.full(3, 0.4), pictures).tolist()
    return [reading(*row, face=face) for row in shares]


def test_a_reading_counts_less_the_older_it_is_whatever_the_pace():
    steady = Steady(0.5)
    steady(1.0, [HAPPY])
    steady(1.1, [SAD])
    (out,) = steady(1.4, [SAD])
    # Happy is taken to have lasted 0.1 s, as long as what came next was awaited.
    happy = math.exp(-0.4 / 0.5) - math.exp(-0.5 / 0.5)
    sad = 1 - math.exp(-0.4 / 0.5)
    assert out.probabilities["happy"] == pytest.approx(0.1 + 0.7 * happy / (happy + sad))


def test_at_first_it_is_the_mean_of_what_was_seen():
    steady, pictures = Steady(60), noise(30)
    for i, picture in enumerate(pictures):
        (out,) = steady(i / 30, [picture])
    mean = {name: np.mean([p.probabilities[name] for p in pictures]) for name in NAMES}
    assert out.probabilities == pytest.approx(mean, abs=0.01)


def test_a_clock_that_stands_still_is_survived():
    steady = Steady(0.2)
    assert [steady(0.0, [picture])[0].emotion for picture in (HAPPY, SAD, SAD)] == ["happy"] * 3


def test_probabilities_sum_to_one_and_confidence_is_of_what_is_told():
    steady = Steady(0.2)
    for i, picture in enumerate(noise(300)):
        (out,) = steady(i / 30, [picture])
        assert sum(out.probabilities.values()) == pytest.approx(1)
        assert out.confidence == out.probabilities[out.emotion]
        assert out.box == picture.box
        assert list(out.probabilities) == list(NAMES)


def test_to_and_fro_is_not_told_and_a_change_that_lasts_is():
    assert set(told(Steady(0.2), [HAPPY, SAD] * 30)) == {"happy"}
    seen = told(Steady(0.2), [HAPPY] * 30 + [SAD] * 30)
    assert seen == sorted(seen)
    assert 33 <= seen.index("sad") <= 39


def test_a_lead_below_the_margin_is_not_told_however_long():
    near, beyond = (reading(0.4, 0.4 + lead, 0.2 - lead) for lead in (MARGIN - 0.01, MARGIN + 0.01))
    assert set(told(Steady(0.2), [HAPPY] + [near] * 300)) == {"happy"}
    assert told(Steady(0.2), [HAPPY] + [beyond] * 300)[-1] == "sad"


def test_an_emotion_that_is_gone_is_not_told_while_two_others_take_turns():
    sad, neutral = reading(0.0, 1.0, 0.0), reading(0.0, 0.0, 1.0)
    turns = [sad, sad, neutral, neutral] * 10  # each leads for less than half of 0.2 s
    assert "happy" not in told(Steady(0.2), [HAPPY] * 10 + turns)[20:]


def test_a_slow_board_tells_a_change_at_once():
    assert told(Steady(0.2), [HAPPY, HAPPY, SAD, HAPPY], pace=0.5) == [
        "happy",
        "happy",
        "sad",
        "happy",
    ]


def test_two_faces_never_mix():
    one, other = noise(200, face=3, seed=1), noise(200, face=8, seed=2)
    both, alone, apart = Steady(0.4), Steady(0.4), Steady(0.4)
    for i, (left, right) in enumerate(zip(one, other, strict=True)):
        pair = [left, right] if i % 3 else [right, left]
        expected = {3: alone(i / 30, [left])[0], 8: apart(i / 30, [right])[0]}
        assert both(i / 30, pair) == [expected[reading.face] for reading in pair]


@pytest.mark.parametrize(
    "back",
    [
        0.1 + GAP * 0.2 + 0.01,  # long unseen
        -5.0,  # a file that begins anew
    ],
)
def test_a_face_that_was_away_begins_anew(back):
    steady = Steady(0.2)
    steady(0.0, [HAPPY])
    steady(0.1, [HAPPY])
    assert steady(back, [SAD]) == [SAD]


@pytest.mark.parametrize("pace", [1 / 30, 0.0])  # at 0 the clock stands still
def test_who_is_gone_takes_no_memory(pace):
    steady, sizes = Steady(0.2), []
    for i in range(3000):
        steady(i * pace, [reading(0.8, 0.1, 0.1, face=i)])
        sizes.append(len(pickle.dumps(steady)))
    assert max(sizes[100:]) < 1.1 * max(sizes[:100])


def test_zero_leaves_readings_as_they_are():
    pictures = noise(50)
    steady = Steady(0)
    assert [steady(i / 30, [picture]) for i, picture in enumerate(pictures)] == [
        [picture] for picture in pictures
    ]


def test_below_the_share_it_is_unsure_and_probabilities_stay():
    steady = Steady(0, unsure=0.6)
    weak = reading(0.5, 0.3, 0.2)
    out = steady(0.0, [weak, HAPPY])
    assert [r.emotion for r in out] == ["unsure", "happy"]
    assert out[0].confidence == 0.5
    assert out[0].probabilities == weak.probabilities


def test_who_is_unsure_stays_so_until_it_is_clearly_sure():
    steady = Steady(0.01, unsure=0.6)
    shares = [0.62, 0.58, 0.62, 0.68, 0.73, 0.62, 0.58]
    pictures = [reading(share, 1 - share, 0.0) for share in shares]
    seen = [steady(i / 25, [picture])[0].emotion for i, picture in enumerate(pictures)]
    assert seen == ["happy", "unsure", "unsure", "unsure", "happy", "happy", "unsure"]


def test_it_is_the_smoothed_confidence_that_is_unsure():
    seen = told(Steady(0.2, unsure=0.6), [HAPPY] * 10 + [SAD] * 30)
    assert [name for name, before in zip(seen, [None, *seen], strict=False) if name != before] == [
        "happy",
        "unsure",
        "sad",
    ]


def test_a_face_that_was_not_read_changes_nothing():
    refused = Reading(0, BOX, "unsure", 0.0, dict.fromkeys(NAMES, 1 / 3))
    with_gap, without = Steady(0.2), Steady(0.2)
    for steady in (with_gap, without):
        steady(0.0, [HAPPY])
    assert with_gap(0.1, [refused]) == [refused]
    assert with_gap(0.2, [SAD]) == without(0.2, [SAD])


@pytest.mark.parametrize(
    ("named", "expected"), [(False, ["happy"] * 10), (True, ["happy", "sad"] * 5)]
)
def test_a_stream_is_smoothed_and_a_folder_never(named, expected):
    sink = ListSink()
    camera = ListCamera(*[np.full((60, 60), grey, np.uint8) for grey in (220, 20)] * 5, named=named)
    run(Watcher(Follower(Scene(BOX)), Reader(BrightClassifier()), Steady(0.2)), camera, [sink])
    assert sink.emotions == expected


def test_the_options_of_run(tmp_path):
    bundle = tiny_bundle(tmp_path / "parts").folder

    def rows(name, *options):
        sink = f"jsonl:{tmp_path / name}"
        asked = [str(bundle), "--camera", "synth", "--frames", "6", "--sink", sink, *options]
        done = CliRunner().invoke(command, asked)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in (tmp_path / name).read_text("utf-8").splitlines()]

    raw, smooth = rows("raw", "--smooth", "0"), rows("smooth", "--smooth", "5")
    assert len(raw) == len(smooth) > 1
    assert [r["box"] for r in raw] == [r["box"] for r in smooth]
    assert raw != smooth
    unsure = rows("unsure", "--unsure", "1")
    assert {r["emotion"] for r in unsure} == {"unsure"}
    assert all(r["confidence"] > 0 for r in unsure)
