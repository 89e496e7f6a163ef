import hashlib
import json
from pathlib import Path

import pytest

from edgefer.bundle import Bundle, Step, write_bundle
from edgefer.errors import BundleError
from edgefer.labels import KOREAN7


@pytest.fixture
def toy_bundle(tmp_path):
    (tmp_path / "anything.tflite").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "log.csv").write_text("epoch\n1\n")
    return write_bundle(
        tmp_path / "toy",
        labels=KOREAN7,
        size=48,
        files={"int8": tmp_path / "anything.tflite", "log": tmp_path / "log.csv"},
        history=[Step("train base", {"epochs": 1}, {"faces": "ab"}, {"val": 0.5}, {"numpy": "2"})],
    )


@pytest.fixture
def trained(tmp_path):
    (tmp_path / "network").write_bytes(b"network")
    files = {"keras": tmp_path / "network"}
    return write_bundle(tmp_path / "trained", labels=KOREAN7, size=48, files=files, history=[])


def test_what_was_written_is_read_back(toy_bundle):
    assert toy_bundle.labels == KOREAN7
    assert toy_bundle.files == {"int8": "int8.tflite", "log": "log.csv"}
    assert toy_bundle.history[0].recipe == {"epochs": 1}
    assert toy_bundle.read("int8")[:3] == b"\0\1\2"


@pytest.mark.parametrize("names", [("a/log.csv", "b/log.csv"), ("bundle.json",), ("SHA256SUMS",)])
def test_two_files_of_one_name_never_overwrite_each_other(tmp_path, names):
    files = {}
    for name in names:
        files[f"role of {name}"] = tmp_path / name
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    with pytest.raises(ValueError, match="two files of a bundle"):
        write_bundle(tmp_path / "out", labels=KOREAN7, size=48, files=files, history=[])


def test_a_changed_model_file_is_refused(toy_bundle):
    (toy_bundle.folder / "int8.tflite").write_bytes(b"other")
    with pytest.raises(BundleError, match="int8.tflite"):
        Bundle.load(toy_bundle.folder).path("int8")


@pytest.mark.parametrize("name", ["bundle.json", "SHA256SUMS", "int8.tflite", "log.csv"])
@pytest.mark.parametrize("place", [0, 0.3, 0.7, 1])
def test_one_flipped_bit_anywhere_is_refused(toy_bundle, name, place):
    path = toy_bundle.folder / name
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BundleError):
        Bundle.load(toy_bundle.folder).verify()


@pytest.mark.parametrize("name", ["bundle.json", "SHA256SUMS", "int8.tflite"])
def test_a_missing_file_is_named(toy_bundle, name):
    (toy_bundle.folder / name).unlink()
    with pytest.raises(BundleError, match=name):
        Bundle.load(toy_bundle.folder).verify()


@pytest.mark.parametrize(
    ("role", "options"),
    [
        ("float", ""),
        ("int8", "--int8 --calib DIR "),
        ("onnx", "--to onnx "),
        ("onnx_int8", "--to tensorrt-ready --int8 --calib DIR "),
    ],
)
def test_a_role_that_is_not_there_says_how_to_make_it(trained, role, options):
    with pytest.raises(BundleError) as error:
        trained.read(role)
    made = f"Make it with edgefer export {trained.typed} {options}-o NEW."
    assert str(error.value) == f"{trained.typed} has no {role} model. {made}"


@pytest.mark.parametrize("role", ["keras", "float", "onnx_int8"])
def test_of_a_device_no_model_can_be_made(toy_bundle, role):
    with pytest.raises(BundleError, match="start from the one that was trained"):
        toy_bundle.read(role)


def test_a_file_outside_the_folder_is_never_read(toy_bundle):
    about = json.loads((toy_bundle.folder / "bundle.json").read_text())
    bundle = Bundle(
        toy_bundle.folder,
        toy_bundle.labels,
        48,
        {**about["files"], "int8": "../anything.tflite"},
        {**toy_bundle.sums, "../anything.tflite": toy_bundle.sums["int8.tflite"]},
        (),
    )
    with pytest.raises(BundleError, match="anything"):
        bundle.read("int8")


def test_the_sums_are_what_sha256sum_reads(toy_bundle):
    lines = (toy_bundle.folder / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in lines} == {"bundle.json", "int8.tflite", "log.csv"}


def test_the_digest_tells_bundles_apart(toy_bundle, tmp_path):
    again = write_bundle(
        tmp_path / "again",
        labels=KOREAN7,
        size=48,
        files={"int8": tmp_path / "anything.tflite", "log": tmp_path / "log.csv"},
        history=toy_bundle.history,
    )
    other = write_bundle(
        tmp_path / "other",
        labels=KOREAN7,
        size=96,
        files={"int8": tmp_path / "anything.tflite", "log": tmp_path / "log.csv"},
        history=toy_bundle.history,
    )
    assert again.digest == toy_bundle.digest
    assert other.digest != toy_bundle.digest


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"format": 2}',
        '{"format": 1, "preprocess": "gray-area-0"}',
        '{"format": 1, "preprocess": "gray-area-1", "labels": []}',
        '{"format": 1, "preprocess": "gray-area-1", "size": 48, "files": [], "history": [],'
        ' "labels": {"name": "x", "names": ["happy"], "korean": ["기쁨"]}}',
    ],
)
def test_a_description_of_the_wrong_shape_is_one_error(toy_bundle, text):
    (toy_bundle.folder / "bundle.json").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    sums = (
        (toy_bundle.folder / "SHA256SUMS")
        .read_text()
        .replace(toy_bundle.sums["bundle.json"], digest)
    )
    (toy_bundle.folder / "SHA256SUMS").write_text(sums)
    with pytest.raises(BundleError, match="bundle.json|gray-area-0"):
        Bundle.load(toy_bundle.folder)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(BundleError, match="no bundle.*a packaged one: default, small"):
        Bundle.load(tmp_path)


def test_commands_to_type_quote_names_with_spaces(tmp_path, trained):
    moved = trained.folder.rename(tmp_path / "my 기기")
    with pytest.raises(BundleError, match="edgefer export '/.*my 기기' --int8 --calib DIR -o NEW"):
        Bundle.load(moved).read("int8")


def test_nothing_means_the_packaged_bundle_called_default():
    assert Bundle.load().typed == "default"


@pytest.mark.parametrize("name", ["default", "small"])
def test_a_packaged_bundle_is_typed_by_its_name_and_whole(name):
    bundle = Bundle.load(Path(name))
    bundle.verify()
    assert bundle.typed == name
    assert {"keras", "float", "int8", "training", "calibration", "card"} <= set(bundle.files)


def test_a_folder_goes_before_the_packaged_bundle_of_its_name(tmp_path, toy_bundle, monkeypatch):
    toy_bundle.folder.rename(tmp_path / "small")
    monkeypatch.chdir(tmp_path)
    assert Bundle.load(Path("small")).labels == toy_bundle.labels


def test_a_video_in_the_place_of_a_bundle_says_what_to_type(tmp_path):
    (tmp_path / "a clip.mp4").touch()
    with pytest.raises(BundleError, match="edgefer run --camera '/.*a clip.mp4'"):
        Bundle.load(tmp_path / "a clip.mp4")
