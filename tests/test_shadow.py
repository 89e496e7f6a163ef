"""``run --precision shadow``: int8 answers, float is asked the same, and both are counted."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from loops import LEFT, Ear, ListCamera, both, scene
from scenes import Scene
from tiny_tflite import LABELS, tiny_bundle

from edgefer.edge.faces import Reader
from edgefer.edge.run_command import run as command
from edgefer.edge.shadow import Agreement, Shadow, open_model
from edgefer.edge.sinks.vitals import Vitals
from edgefer.edge.stream import run
from edgefer.edge.track import Follower
from edgefer.edge.watcher import Watcher
from edgefer.errors import BackendError, BundleError
from edgefer.labels import labels_of

pytestmark = pytest.mark.edge

TWO = labels_of("two", "happy", "sad")


class Fixed:
    """Answers rows of a table, whatever the patches; keeps what it was asked."""

    def __init__(self, *rows, labels=TWO, size=8):
        self.rows, self.labels, self.size = np.array(rows, np.float32), labels, size
        self.asked = []

    def __call__(self, patches):
        self.asked.append(patches)
        return self.rows[: len(patches)]


def patches(count):
    return np.arange(count * 64, dtype=np.uint8).reshape(count, 8, 8)


def counted(before, after) -> Agreement:
    shadow = Shadow(Fixed(*before), Fixed(*after))
    shadow(patches(len(before)))
    return shadow.agreement


def test_int8_answers_and_both_are_asked_the_same_once():
    before, after = Fixed((0.9, 0.1), (0.6, 0.4)), Fixed((0.7, 0.3), (0.2, 0.8))
    asked = patches(2)
    answers = Shadow(before, after)(asked)
    np.testing.assert_array_equal(answers, after.rows)
    assert [len(model.asked) for model in (before, after)] == [1, 1]
    assert before.asked[0] is after.asked[0] is asked


def test_agreement_is_counted_by_what_float_answered():
    found = counted(
        [(0.9, 0.1), (0.8, 0.2), (0.55, 0.45), (0.3, 0.7)],
        [(0.8, 0.2), (0.9, 0.1), (0.45, 0.55), (0.2, 0.8)],
    )
    assert (found.faces, found.agreed) == (4, 3)
    assert found.by_emotion == {"happy": (3, 2), "sad": (1, 1)}
    assert found.moves.tolist() == [[2, 1], [0, 1]]


@pytest.mark.parametrize(
    ("shares", "place"),
    [
        ((0.5, 0.5), 0),
        ((0.54, 0.46), 0),
        ((0.5625, 0.4375), 1),  # .125
        ((0.25, 0.75), 5),  # .5, where a tenth begins
        ((1.0, 0.0), 9),  # the last tenth holds its end
    ],
)
def test_the_margin_is_floats_first_less_its_second(shares, place):
    alike, other = (counted([shares], [rest]).margins for rest in ((0.9, 0.1), (0.1, 0.9)))
    if shares[1] > shares[0]:
        alike, other = other, alike
    assert alike.tolist() == [[int(i == place) for i in range(10)], [0] * 10]
    assert other.tolist() == [[0] * 10, [int(i == place) for i in range(10)]]


def test_what_was_counted_does_not_change_any_more():
    shadow = Shadow(Fixed((0.9, 0.1)), Fixed((0.9, 0.1)))
    before = shadow.agreement
    shadow(patches(1))
    assert (before.faces, shadow.agreement.faces) == (0, 1)


def test_nothing_to_compare():
    found = Shadow(Fixed(), Fixed()).agreement
    assert found.to_json()["agreement"] is None
    assert found.to_json()["emotions"]["sad"]["agreement"] is None
    assert str(found) == "float and int8: no face to compare"


def test_in_words_and_json():
    found = counted([(0.875, 0.125), (0.5625, 0.4375)], [(0.8, 0.2), (0.45, 0.55)])
    assert str(found).splitlines() == [
        "float and int8 answered 1 of 2 faces alike (50.0 %)",
        "what float answered    faces    alike",
        "  happy                    2   50.0 %",
        "float's margin         alike  otherwise",
        "  0.1 to 0.2               0          1",
        "  0.7 to 0.8               1          0",
    ]
    told = json.loads(json.dumps(found.to_json()))
    assert told["emotions"]["happy"] == {"faces": 2, "agreed": 1, "agreement": 0.5}
    assert told["margins"]["edges"][0:11:5] == [0.0, 0.5, 1.0]
    assert sum(told["margins"]["agreed"]) == sum(told["margins"]["disagreed"]) == 1


@pytest.mark.parametrize(("role", "place"), [("float", 0), ("int8", 1)])
def test_no_numbers_are_refused_by_the_models_name(role, place):
    models = [Fixed((0.9, 0.1)), Fixed((0.9, 0.1))]
    models[place] = Fixed((np.nan, 0.1))
    with pytest.raises(BackendError, match=f"the {role} model answers with no numbers"):
        Shadow(*models)(patches(1))


def test_models_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="other emotions"):
        Shadow(Fixed(labels=LABELS), Fixed())


def test_the_loop_tells_the_counts_after_each_frame_and_at_the_end():
    shadow = Shadow(
        Fixed((0.9, 0.1), (0.9, 0.1)),  # two faces a frame: one alike, one not
        Fixed((0.8, 0.2), (0.3, 0.7)),
    )
    ear = Ear()
    # Also faces that are not told are compared.
    summary = run(
        Watcher(both(), Reader(shadow), min_confidence=0.75), ListCamera(*[scene()] * 3), [ear]
    )
    assert ear.emotions == ["happy"] * 3
    assert [(v.shadow.faces, v.shadow.agreed) for v in ear.heard] == [(2, 1), (4, 2), (6, 3)]
    assert summary.to_json()["shadow"]["float_to_int8"] == [[3, 3], [0, 0]]
    assert "answered 3 of 6 faces alike (50.0 %)" in str(summary)


def test_one_model_alone_tells_of_no_agreement():
    ear = Ear()
    watcher = Watcher(Follower(Scene(LEFT)), Reader(Fixed((0.9, 0.1))))
    summary = run(watcher, ListCamera(scene()), [ear])
    assert summary.to_json()["shadow"] is None
    assert ear.heard[0].shadow is None


def told_to_prometheus(vitals) -> dict:
    """Samples by their name and labels."""
    pytest.importorskip("prometheus_client")
    from edgefer.edge.sinks.prometheus import PrometheusSink

    sink = PrometheusSink("0")
    try:
        sink.tell(vitals)
        samples = [sample for metric in sink.collect() for sample in metric.samples]
    finally:
        sink.close()
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_metrics_bear_the_counts_under_the_emotions_own_names():
    labels = labels_of("names", "행복", "very sad", "total")
    moves = np.array([[5, 1, 0], [0, 2, 0], [0, 0, 0]])
    found = told_to_prometheus(Vitals(shadow=Agreement(labels, moves, np.zeros((2, 10), int))))
    for emotion, faces, agreed in (("행복", 6, 5), ("very sad", 2, 2), ("total", 0, 0)):
        assert found["edgefer_shadow_faces_total", emotion] == faces
        assert found["edgefer_shadow_agreed_total", emotion] == agreed


def test_metrics_bear_the_margins():
    agreement = counted(
        [(0.9, 0.1), (0.75, 0.25), (0.5625, 0.4375)], [(0.8, 0.2), (0.7, 0.3), (0.3, 0.7)]
    )
    found = told_to_prometheus(Vitals(shadow=agreement))
    margin = "edgefer_shadow_margin_bucket"
    assert [found[margin, "yes", edge] for edge in ("0.5", "0.6", "0.8", "+Inf")] == [0, 1, 2, 2]
    assert [found[margin, "no", edge] for edge in ("0.1", "0.2", "1.0", "+Inf")] == [0, 1, 1, 1]
    assert found["edgefer_shadow_margin_count", "yes"] == 2


def test_metrics_of_one_model_alone_bear_none():
    assert not [name for name, *_ in told_to_prometheus(Vitals()) if "shadow" in name]


@pytest.fixture
def bundle(tmp_path):
    return tiny_bundle(tmp_path / "parts")


def test_real_models_side_by_side(bundle):
    shadow = open_model(bundle, "shadow")
    int8 = open_model(bundle, "int8")
    asked = np.random.default_rng(0).integers(0, 256, (9, 12, 12)).astype(np.uint8)
    np.testing.assert_array_equal(shadow(asked), int8(asked))
    float_answers = open_model(bundle, "float")(asked).argmax(axis=1)
    rows = shadow.agreement.moves.sum(axis=1)
    np.testing.assert_array_equal(rows, np.bincount(float_answers, minlength=3))


def test_as_typed(bundle):
    typed = [str(bundle.folder), "--camera", "synth", "--frames", "3", "--precision", "shadow"]
    done = CliRunner().invoke(command, [*typed, "--json"])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["shadow"]["faces"] == summary["faces"] > 0
    done = CliRunner().invoke(command, typed)
    assert f"of {summary['faces']} faces alike" in done.stderr


def test_a_bundle_without_float_is_refused(bundle, tmp_path):
    from edgefer.bundle import write_bundle

    alone = write_bundle(
        tmp_path / "alone",
        labels=LABELS,
        size=bundle.size,
        files={"int8": bundle.folder / bundle.files["int8"]},
        history=[],
    )
    with pytest.raises(BundleError, match="float"):
        open_model(alone, "shadow")
