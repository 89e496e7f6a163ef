from dataclasses import replace

import numpy as np
import pytest
from test_clean import drawn, make

from edgefer.bundle import Bundle, Step
from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, KOREAN7
from edgefer.synth import POPULATIONS
from edgefer.train.clean.findings import LOOK
from edgefer.train.clean.suspects import bundle_answers, find_suspects, fold_answers
from edgefer.train.datasets.synth import import_synth

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Drawn people, every emotion of each."""
    out = tmp_path_factory.mktemp("crowd") / "set"
    with write_faceset(out, FER7, 48, source="drawn") as writer:
        import_synth(POPULATIONS["base"], writer, people=30, takes=1)
    return FaceSet.load(out)


def mislabelled(faces, share=0.1):
    """Same faces, some of them under another label; and which."""
    rng = np.random.default_rng(0)
    wrong = rng.random(len(faces)) < share
    targets = np.where(wrong, (faces.targets + rng.integers(1, 7, len(faces))) % 7, faces.targets)
    return replace(faces, targets=targets), set(np.flatnonzero(wrong).tolist())


def believed(targets, sure=0.8, classes=7):
    """Answers that are right, each as sure as given or a little less."""
    rng = np.random.default_rng(1)
    answers = np.full((len(targets), classes), (1 - sure) / (classes - 1))
    answers[np.arange(len(targets)), targets] = sure - rng.uniform(0, 0.1, len(targets))
    return answers / answers.sum(axis=1, keepdims=True)


def test_wrong_labels_are_suspected_and_right_ones_are_not(crowd):
    faces, wrong = mislabelled(crowd)
    findings = find_suspects(faces, believed(crowd.targets))
    found = {item.face for item in findings}
    assert found <= wrong
    assert len(found) > 0.8 * len(wrong)
    assert {(item.kind, item.suggestion) for item in findings} == {("suspect", LOOK)}


def test_the_reason_says_what_the_face_looks_like(crowd):
    faces, _ = mislabelled(crowd)
    finding = find_suspects(faces, believed(crowd.targets))[0]
    looks = FER7.names[crowd.targets[finding.face]]
    assert finding.reason.startswith(f"looks {looks} (")


def test_right_labels_raise_no_suspicion(crowd):
    assert find_suspects(crowd, believed(crowd.targets)) == []


def test_an_emotion_that_nobody_shows_does_no_harm(crowd):
    some = crowd.select(np.isin(crowd.targets, [1, 3, 6]))
    assert find_suspects(some, believed(some.targets)) == []


@pytest.mark.parametrize("targets", [[3], [3, 3, 3]])
def test_one_emotion_alone_cannot_be_doubted(tmp_path, targets):
    faces = make(tmp_path / "set", *((patch, "happy") for patch in drawn(len(targets))))
    assert find_suspects(faces, believed(np.array(targets))) == []


def test_answers_out_of_fold_find_wrong_labels(crowd):
    faces, wrong = mislabelled(crowd)
    answers = fold_answers(Bundle.load(), faces, 3)
    assert answers.sum(axis=1) == pytest.approx(1)
    found = {item.face for item in find_suspects(faces, answers)}
    # Drawn faces are not what the packaged network learned from: it is far from sure.
    assert len(found & wrong) > 0.5 * len(wrong)
    assert len(found & wrong) / len(found) > 2 * len(wrong) / len(faces)  # chance finds half


def test_folds_are_disjoint_by_people(tmp_path):
    # A face that is in the other fold as well would answer with its own label, at any rate nearly.
    patches = drawn(20)
    rng = np.random.default_rng(0)
    rows = [(patch, name, "", f"p{i}") for i, patch in enumerate(patches) for name in ("sad",) * 2]
    rows = [(p, ("happy", "sad")[rng.integers(2)], s, w) for p, _, s, w in rows]
    faces = make(tmp_path / "set", *rows)
    answers = fold_answers(Bundle.load(), faces, 2)
    # Copies lie in one fold, so one network answers both alike, whatever their labels.
    assert np.abs(answers[::2] - answers[1::2]).max() < 1e-4


def test_a_bundle_answers_in_the_order_of_the_labels(tmp_path):
    rows = [
        (patch, name) for patch, name in zip(drawn(3), ("sad", "happy", "neutral"), strict=True)
    ]
    faces = make(tmp_path / "set", *rows)
    other = make(tmp_path / "other", *rows, labels=KOREAN7)
    own, theirs = bundle_answers(Bundle.load(), faces), bundle_answers(Bundle.load(), other)
    for name in ("sad", "happy", "neutral"):
        assert (own[:, FER7.index(name)] == theirs[:, KOREAN7.index(name)]).all()
    assert (theirs[:, KOREAN7.index("hurt")] == 0).all()


def test_a_bundle_that_lacks_an_emotion_points_to_folds(tmp_path):
    faces = make(tmp_path / "set", (drawn()[0], "hurt"), labels=KOREAN7)
    with pytest.raises(DataError, match="does not know hurt.*--folds 5"):
        bundle_answers(Bundle.load(), faces)


def test_patches_of_another_size_are_refused(tmp_path):
    faces = make(tmp_path / "set", (drawn(size=96)[0], "happy"))
    with pytest.raises(DataError, match="48 pixels.*96"):
        bundle_answers(Bundle.load(), faces)


def test_too_few_faces_for_the_folds_are_refused(tmp_path):
    rows = [(patch, "happy") for patch in drawn(6)]
    faces = make(tmp_path / "set", *rows, (drawn(7)[6], "sad"))
    with pytest.raises(DataError, match="1 faces of sad.*--folds 2"):
        fold_answers(Bundle.load(), faces, 3)


def test_a_bundle_that_learned_from_the_faces_is_said_to(tmp_path, capsys):
    faces = make(tmp_path / "set", (drawn()[0], "happy"))
    bundle = Bundle.load()
    step = Step("train base", {}, {"faces": faces.digest})
    bundle_answers(replace(bundle, history=(*bundle.history, step)), faces)
    assert "learned from" in capsys.readouterr().err
    bundle_answers(bundle, faces)
    assert "learned from" not in capsys.readouterr().err
