"""What a study finds, in words, a table and a page: no difference is claimed that is not there."""

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from edgefer.export.findings import fewer, findings, halves
from edgefer.export.study_page import save, to_html
from edgefer.export.study_words import headline, sentences, to_markdown, to_text
from edgefer.export.trials import Study, Trial
from edgefer.labels import FER7


def measured(wrong, *, faces=3000, seeds=10, sizes=(10, 40)):
    """A study of a perfect float model whose int8 models err on so many faces, by way or size."""
    targets = np.arange(faces) % 7
    trials = []
    for seed in range(seeds):
        for size in sizes:
            for i, way in enumerate(("random", "other half", "balanced", "spread", "noise")):
                rng = np.random.default_rng([i, size, seed])
                errs = rng.choice(faces, wrong.get(way, wrong.get(size, 20)), replace=False)
                answers = targets.copy()
                answers[errs] = (answers[errs] + 1) % 7
                trials.append(Trial(way, size, seed, size, answers))
    return Study("toy", "faces", "val", FER7, targets, targets, tuple(trials))


def test_equal_results_make_no_difference_here():
    same = measured({})
    assert headline(same) == "How the calibration faces are chosen makes no difference here."
    said = sentences(same)
    assert said[1].startswith("Spread against random makes no difference here: ")
    assert sum("makes no difference here" in line for line in said) == 5


def test_a_difference_is_said_with_its_size_and_p():
    told = measured({"spread": 140})  # 4 points of 3,000 faces more than the others
    assert headline(told).startswith("Spread loses 4.00 points more than random. Spread loses 4.00")
    line = next(line for line in sentences(told) if line.startswith("Spread loses"))
    assert re.match(r"Spread loses 4\.00 points more than random \(95 % \+3\.\d\d to \+4", line)
    assert "p .008)" in line  # .002, the least of ten seeds, times the four questions
    assert line.endswith("It shows at every size and on every emotion.")
    assert "balanced" not in line


def test_a_gain_is_a_smaller_loss():
    told = measured({"spread": 20, "random": 140, "balanced": 140})
    assert headline(told).startswith("Spread loses 4.00 points less than random.")


def test_too_few_faces_are_said_to_be_too_few():
    told = measured({}, faces=140)
    assert headline(told) == (
        "Too few draws or faces to tell whether the choice of calibration faces matters."
    )


def test_a_rare_emotion_is_not_passed_over_in_silence():
    whole = measured({})
    targets = whole.targets.copy()
    targets[targets == 1] = 0
    targets[:30] = 1  # thirty faces of disgust
    trials = [
        Trial(t.way, t.size, t.seed, t.faces, (t.answers - whole.targets + targets) % 7)
        for t in whole.trials
    ]
    told = Study("toy", "faces", "val", FER7, targets, targets, tuple(trials))
    line = next(line for line in sentences(told) if line.startswith("Spread against random"))
    assert "makes no difference here" in line
    assert line.endswith("Too few to tell on disgust.")


def test_fewer_faces_are_set_beside_the_most():
    (contrast,) = fewer(measured({10: 200}))
    assert (contrast.one, contrast.other) == ("10 balanced", "40 balanced")
    assert contrast.difference == pytest.approx(180 / 3000)
    assert contrast.verdict == "more"


def test_halves_that_differ_by_chance_are_not_told_apart():
    found = halves(measured({}))
    assert [(half.size, half.pairs, half.differ) for half in found] == [(10, 10, 0), (40, 10, 0)]
    assert found[0].otherwise == pytest.approx(40 / 3000, abs=0.001)
    assert {half.differ for half in halves(measured({"other half": 90}))} == {10}


def test_an_emotion_that_alone_is_hurt_is_named():
    plain = measured({})
    hurt = []
    for trial in plain.trials:
        answers = trial.answers.copy()
        if trial.way == "spread":
            answers[(plain.targets == 1) & (np.arange(3000) % 5 == 0)] = 0
        hurt.append(Trial(trial.way, trial.size, trial.seed, trial.faces, answers))
    told = Study("toy", "faces", "val", FER7, plain.targets, plain.before, tuple(hurt))
    emotions = {each.name: each for each in findings(told)[1].emotions}
    assert emotions["disgust"].verdict == "more"
    assert emotions["happy"].verdict == "no difference"
    line = next(line for line in sentences(told) if line.startswith("Spread") and "random" in line)
    assert "It shows at every size and on disgust +" in line
    assert "happy" not in line


def test_what_shows_on_these_faces_only_is_marked():
    same = measured({}, faces=300)
    trials = []
    for trial in same.trials:
        answers = same.targets.copy()
        if trial.way == "spread":
            answers[[1, 8]] = 0  # every draw loses the same two faces of disgust
        trials.append(Trial(trial.way, trial.size, trial.seed, trial.faces, answers))
    told = Study("toy", "faces", "val", FER7, same.targets, same.before, tuple(trials))
    assert findings(told)[1].overall.verdict == "these faces only"
    line = next(line for line in sentences(told) if line.startswith("Spread loses"))
    assert "on these faces, but others might not show it" in line
    assert "disgust +4.65 (p .014, these faces only)" in line


def test_the_table_has_every_row():
    lines = to_text(measured({})).splitlines()
    rows = [line.split()[:2] for line in lines[3:11]]
    ways = ("random", "balanced", "spread", "noise")
    assert rows == [[way, size] for way in ways for size in ("10", "40")]
    assert lines[2].split()[-7:] == list(FER7.names)
    # 20 of 3,000 faces lost, in every row.
    assert all("+0.67" in line for line in lines[3:11])


def test_the_reports_stand_alone_and_hold_what_was_found(tmp_path):
    whole = measured({"noise": 900})
    save(whole, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "study.json").read_text())
    assert len(told["rows"]) == 10
    assert told["findings"][1]["overall"]["verdict"] == "no difference"
    assert "| spread | 40 | +0.67 |" in to_markdown(whole)
    page = (tmp_path / "out" / "study.html").read_text()
    assert "src=" not in page
    assert "<script" not in page
    plots = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(plots) == 6
    for plot in plots:
        ET.fromstring(plot)
    # Noise lies far off: an arrow says where, and the others keep their scale.
    assert "↑ +30.00" in plots[0]


def test_names_in_the_page_are_escaped():
    odd = measured({})
    page = to_html(Study("<b>x", "<i>y", "val", odd.labels, odd.targets, odd.before, odd.trials))
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page
