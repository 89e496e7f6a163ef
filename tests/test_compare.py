"""``edgefer compare``: the same faces through both models, translated, checked for leaks, gated."""

import json
import unicodedata
from time import sleep

import numpy as np
import pytest
from click.testing import CliRunner

from edgefer.bundle import Bundle, Step, write_bundle
from edgefer.edge.commands import compare as command
from edgefer.edge.compare import compare
from edgefer.errors import BackendError, BundleError, DataError, GateError
from edgefer.faceset import FaceSet, person_key
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, KOREAN7

BACKEND = "test_compare:PixelModel"
EMOTIONS = ("happy", "sad", "neutral")


class PixelModel:
    """Answers what a face's first row says: pixel 0 for the float model, pixel 1 for int8."""

    size, classes = 16, 7

    def __init__(self, model: bytes, threads: int) -> None:
        self.column = int(model)

    def __call__(self, patches):
        return np.eye(7, dtype=np.float32)[patches[:, 0, self.column]]


class SlowInt8(PixelModel):
    """A runtime on which int8 buys nothing."""

    def __call__(self, patches):
        sleep(0.002 * self.column)
        return super().__call__(patches)


class NanModel(PixelModel):
    """A model whose arithmetic broke."""

    def __call__(self, patches):
        return np.full((len(patches), 7), np.nan, np.float32)


def face(number: int, before: int, after: int) -> np.ndarray:
    """A face of its own that the float model takes for ``before`` and int8 for ``after``."""
    patch = np.random.default_rng(number).integers(0, 256, (16, 16)).astype(np.uint8)
    patch[0, :2] = before, after
    return patch


@pytest.fixture
def faces(tmp_path) -> FaceSet:
    """30 test faces of each of three emotions; int8 gets 6 of the happy ones wrong."""
    with write_faceset(tmp_path / "faces", FER7, 16, source="test") as writer:
        for i, emotion in enumerate(EMOTIONS):
            truth = FER7.index(emotion)
            for j in range(30):
                after = 0 if emotion == "happy" and j < 6 else truth
                writer.add(face(100 * i + j, truth, after), emotion, split="test")
        for j in range(10):
            writer.add(face(1000 + j, 3, 3), "happy", split="train")
        # Two of the test faces were trained on.
        writer.add(face(0, 3, 0), "happy", split="train")
        writer.add(face(1, 3, 0), "happy", split="train")
    return FaceSet.load(tmp_path / "faces")


def make_bundle(folder, *, calibration=None, labels=FER7, history=(), size=16) -> Bundle:
    source = folder / "parts"
    source.mkdir()
    (source / "float.tflite").write_text("0")
    (source / "int8.tflite").write_text("1")
    files = {"float": source / "float.tflite", "int8": source / "int8.tflite"}
    if calibration is not None:
        (source / "calibration.json").write_text(calibration)
        files["calibration"] = source / "calibration.json"
    return write_bundle(folder / "model", labels=labels, size=size, files=files, history=history)


@pytest.fixture
def bundle(tmp_path) -> Bundle:
    return make_bundle(tmp_path, calibration='{"digest": "", "faces": [], "people": []}')


def run(*arguments: object):
    return CliRunner().invoke(command, [*map(str, arguments), "--backend", BACKEND])


def test_the_drop_is_measured_per_emotion(bundle, faces):
    result = compare(bundle, faces, backend=BACKEND)
    found = {row.emotion: (row.support, row.before, row.after) for row in result.drops}
    assert found == {"happy": (30, 1.0, 0.8), "sad": (30, 1.0, 1.0), "neutral": (30, 1.0, 1.0)}
    assert result.agreement == pytest.approx(84 / 90)
    assert result.after.confusion[FER7.index("happy"), FER7.index("angry")] == 6


def test_both_models_are_timed_and_weighed(bundle, faces):
    result = compare(bundle, faces, backend=BACKEND)
    assert result.latency["float"].calls == result.latency["int8"].calls >= 10
    assert result.latency["int8"].p95 >= result.latency["int8"].median > 0
    assert result.sizes == {"float": 1, "int8": 1}


def test_the_report_says_how_it_was_made(bundle, faces):
    about = compare(bundle, faces, backend=BACKEND).about
    assert about["bundle_digest"] == bundle.digest
    assert about["faceset_digest"] == faces.digest
    assert about["runtime"] == BACKEND
    assert about["machine"]["cpu"]
    assert f"{bundle.folder} {faces.folder} --split test" in about["command"]


def test_a_missing_split_names_those_there_are(bundle, faces):
    with pytest.raises(DataError, match="train, test"):
        compare(bundle, faces, split="val", backend=BACKEND)


def test_all_takes_every_split_and_says_which_were_learned_from(bundle, faces):
    result = compare(bundle, faces, split="all", backend=BACKEND)
    assert result.overall.support == 102
    assert any("12 of these faces are of a train split" in line for line in result.warnings)
    assert result.clean is not None
    assert result.clean.support == 88


def test_judging_the_train_split_is_flagged(bundle, faces):
    result = compare(bundle, faces, split="train", backend=BACKEND)
    assert any("train split" in line for line in result.warnings)
    assert result.clean is None


def test_faces_that_training_saw_are_counted_and_left_out_once(bundle, faces):
    result = compare(bundle, faces, backend=BACKEND)
    assert result.about["leaks"]["train_faces"] == 2
    assert any("2 of the 90 judged faces also trained the network" in w for w in result.warnings)
    assert result.clean is not None
    assert (result.clean.support, result.clean.turned_wrong) == (88, 4)


def test_calibration_faces_are_found_by_their_hashes(tmp_path, faces):
    shared = [digest.hex() for digest in faces.split("test").hashes[40:45]]
    known = json.dumps({"digest": "", "faces": shared, "people": []})
    result = compare(make_bundle(tmp_path, calibration=known), faces, backend=BACKEND)
    assert result.about["leaks"]["calibration_faces"] == 5
    assert any("5 of the 90 judged faces also calibrated" in line for line in result.warnings)
    assert result.clean is not None
    assert result.clean.support == 83


def test_people_are_found_in_training_and_calibration(tmp_path):
    with write_faceset(tmp_path / "faces", FER7, 16, source="test") as writer:
        for i, (split, person) in enumerate(
            [("train", "민수"), ("test", "민수"), ("test", "민수"), ("test", "지영")]
        ):
            writer.add(face(i, 3, 3), "happy", split=split, person=person)
    known = json.dumps({"digest": "", "faces": [], "people": [person_key("지영")]})
    made = make_bundle(tmp_path, calibration=known)
    result = compare(made, FaceSet.load(tmp_path / "faces"), backend=BACKEND)
    assert result.about["leaks"]["train_people"] == 1
    assert result.about["leaks"]["calibration_people"] == 1
    assert result.to_json()["method"] == {
        "people": 2,
        "interval": "jackknife over people",
        "test": "sign-flip over people",
    }
    assert result.overall.verdict == "too few people to tell"


def test_faces_without_a_name_beside_named_ones_are_counted(bundle, tmp_path):
    with write_faceset(tmp_path / "some", FER7, 16, source="test") as writer:
        for i, person in enumerate(["민수", "민수", "", "지영"]):
            writer.add(face(i, 3, 3), "happy", split="test", person=person)
    result = compare(bundle, FaceSet.load(tmp_path / "some"), backend=BACKEND)
    assert any("1 of the 4 faces name no person" in line for line in result.warnings)
    assert result.overall.people == 3


def test_a_person_has_one_key_in_either_unicode_form():
    assert person_key("민수") == person_key(unicodedata.normalize("NFD", "민수"))


def test_a_bundle_that_names_no_calibration_faces_says_so(tmp_path, faces):
    result = compare(make_bundle(tmp_path), faces, backend=BACKEND)
    assert result.about["leaks"]["calibration_faces"] is None
    assert any("does not name the faces that calibrated it" in line for line in result.warnings)


def test_the_history_gives_away_a_val_split_and_a_calibration_set(tmp_path, faces):
    steps = [
        Step("train base", facesets={"faces": faces.digest}),
        Step("export", facesets={"calibration": faces.digest}),
    ]
    made = make_bundle(tmp_path, history=steps)
    warnings = compare(made, faces, backend=BACKEND).warnings
    assert any("calibrated with this face set" in line for line in warnings)
    assert not any("best epoch" in line for line in warnings)


@pytest.mark.parametrize("text", ["[]", "{", '{"faces": ["xyz"], "people": []}', '{"faces": []}'])
def test_a_garbled_calibration_file_is_named(tmp_path, faces, text):
    with pytest.raises(BundleError, match=r"calibration\.json"):
        compare(make_bundle(tmp_path, calibration=text), faces, backend=BACKEND)


def test_emotions_the_bundle_lacks_are_refused_with_the_command_to_type(tmp_path, faces):
    made = make_bundle(tmp_path, labels=KOREAN7)
    with pytest.raises(
        DataError, match=r"edgefer compare .* --split test --map disgust=,fear=,surprise="
    ):
        compare(made, faces, backend=BACKEND)


def test_a_map_reads_emotions_under_the_bundles_names(tmp_path, faces):
    made = make_bundle(tmp_path, labels=KOREAN7)
    renames = {"disgust": "", "fear": "", "surprise": "", "sad": "embarrassed", "neutral": ""}
    result = compare(made, faces, renames=renames, backend=BACKEND)
    assert [row.emotion for row in result.drops] == ["happy", "embarrassed"]
    assert any("30 faces of the split were left out" in line for line in result.warnings)
    assert any("no judged face shows angry, anxious" in line for line in result.warnings)


def test_a_map_that_leaves_nothing_is_refused(bundle, faces):
    with pytest.raises(DataError, match="no face"):
        compare(bundle, faces, renames=dict.fromkeys(FER7.names, ""), backend=BACKEND)


def test_patches_of_another_size_are_refused(tmp_path, faces):
    with pytest.raises(DataError, match="--size 24"):
        compare(make_bundle(tmp_path, size=24), faces, backend=BACKEND)


def test_an_emotion_that_int8_no_longer_answers_is_flagged(bundle, tmp_path):
    with write_faceset(tmp_path / "silent", FER7, 16, source="test") as writer:
        for i in range(8):
            writer.add(face(i, 4, 3), "sad", split="test")
    result = compare(bundle, FaceSet.load(tmp_path / "silent"), backend=BACKEND)
    assert any("never answers sad (float: 8 times)" in line for line in result.warnings)


def test_a_slower_int8_is_flagged(bundle, faces):
    result = compare(bundle, faces, backend="test_compare:SlowInt8")
    assert any("int8 takes longer than float here" in line for line in result.warnings)


def test_answers_that_are_no_numbers_are_refused(bundle, faces):
    with pytest.raises(BackendError, match="float model answers with no numbers"):
        compare(bundle, faces, backend="test_compare:NanModel")


def test_changed_faces_are_refused(bundle, faces):
    path = faces.folder / "patches.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="changed since it was written"):
        compare(bundle, FaceSet.load(faces.folder), backend=BACKEND)


def test_a_changed_model_is_refused_by_name(bundle, faces):
    (bundle.folder / "int8.tflite").write_text("0")
    with pytest.raises(BundleError, match=r"int8\.tflite was changed"):
        compare(bundle, faces, backend=BACKEND)


def test_the_command_prints_the_table_and_writes_reports(bundle, faces, tmp_path):
    out = tmp_path / "report.html"
    result = run(bundle.folder, faces.folder, "-o", out, "-o", tmp_path / "report.json")
    assert result.exit_code == 0
    assert "happy 기쁨" in result.stdout
    assert "<svg" in out.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "report.json").read_text())["overall"]["support"] == 90
    assert "wrote" in result.stderr


def test_json_on_standard_output_is_one_document(bundle, faces):
    found = json.loads(run(bundle.folder, faces.folder, "--json").stdout)
    assert [row["emotion"] for row in found["drops"]] == list(EMOTIONS)


def test_the_gate_fails_after_the_table_and_names_the_rows(bundle, faces):
    result = run(bundle.folder, faces.folder, "--fail-above", 0.05)
    assert isinstance(result.exception, GateError)
    assert "overall +6.7 (90 faces)" in str(result.exception)
    assert "happy +20.0 (30 faces" in str(result.exception)
    assert "happy 기쁨" in result.stdout


def test_the_gate_counts_a_rare_emotion_too(bundle, tmp_path):
    with write_faceset(tmp_path / "rare", FER7, 16, source="test") as writer:
        for i in range(200):
            writer.add(face(i, 4, 4), "sad", split="test")
        for i in range(3):
            writer.add(face(500 + i, 1, 3), "disgust", split="test")
    result = run(bundle.folder, tmp_path / "rare", "--fail-above", 0.05)
    assert "disgust +100.0 (3 faces, too few to tell)" in str(result.exception)


def test_the_gate_lets_smaller_drops_pass(bundle, faces):
    assert run(bundle.folder, faces.folder, "--fail-above", 0.2).exit_code == 0


def test_a_report_that_is_there_stops_the_command_before_the_work(bundle, faces, tmp_path):
    (tmp_path / "report.md").write_text("mine")
    result = run(bundle.folder, faces.folder, "-o", tmp_path / "report.md")
    assert "--force" in str(result.exception)
    assert result.stdout == ""
    assert (tmp_path / "report.md").read_text() == "mine"


def test_three_folders_are_wrong_usage():
    assert run("a", "b", "c").exit_code == 2
