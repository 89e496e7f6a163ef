# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
from click.testing import CliRunner
from toys import toy_faces

pytest.importorskip("tensorflow", reason="export needs TensorFlow")
pytestmark = pytest.mark.train

from waiting import program

from edgefer.bundle import Bundle, write_bundle
from edgefer.errors import BundleError, DataError, EdgeferError
from edgefer.export.audit import audit
from edgefer.export.commands import export
from edgefer.export.pack import export_bundle
from edgefer.export.recipe import ExportRecipe
from edgefer.export.sparse import sparsity_of
from edgefer.faceset import person_key
from edgefer.keras import load_model
from edgefer.labels import FER7, KOREAN7
from edgefer.seen import Seen

# The quickest way: which one int8 is made in does not matter here.
INT8 = ExportRecipe(int8=True, rung="int8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pack")


@pytest.fixture(scope="module")
def faces(folder):
    return toy_faces(folder / "faces", people=6)


@pytest.fixture(scope="module")
def made(folder, trained, calibration, faces):
    return export_bundle(
        trained, INT8, folder / "made", calibration=calibration, faces=faces, force=True
    )


@pytest.fixture(scope="module")
def pruned(folder, trained, calibration, faces):
    training = {"epochs": 3, "batch": 32, "rate": 2e-3, "teacher": 0.5, "precision": "float32"}
    recipe = ExportRecipe(int8=True, rung="int8", sparsity="0.8", **training)
    return export_bundle(trained, recipe, folder / "pruned", calibration=calibration, faces=faces)


def test_the_new_bundle_holds_the_old_one_and_its_models(made, trained):
    made.verify()
    proof = {"audit", "runtimes", "golden", "calibration", "reference"}
    assert set(made.files) == {"keras", "log", "float", "int8"} | proof
    assert made.read("keras") == trained.read("keras")
    assert made.history[:-1] == trained.history


def test_the_calibration_faces_can_be_recognized_but_not_seen(made, calibration):
    named = json.loads(made.read("calibration"))
    assert named["digest"] == calibration.digest
    assert set(named["faces"]) == {digest.hex() for digest in calibration.hashes}
    assert named["people"] == sorted(map(person_key, set(calibration.persons)))


def test_the_step_tells_what_was_done(made, calibration, faces):
    step = made.history[-1]
    assert step.stage == "export"
    assert step.recipe == {**asdict(INT8), "keep": []}
    assert step.facesets == {"calibration": calibration.digest, "faces": faces.digest}
    assert {"tensorflow", "ai-edge-litert", "python"} <= set(step.versions)


@pytest.mark.parametrize("role", ["float", "int8"])
def test_the_audit_is_that_of_the_file(made, role):
    found = audit(made.read(role))
    told = json.loads(made.read("audit"))[role]
    assert told == {**json.loads(json.dumps(found.to_json())), "xnnpack": told["xnnpack"]}
    summary = made.history[-1].scores[role]
    assert (summary["bytes"], summary["gzipped"]) == (len(made.read(role)), found.gzipped)
    assert "tensors" not in summary


def test_int8_is_smaller_than_float(made):
    scores = made.history[-1].scores
    assert scores["int8"]["bytes"] < 0.5 * scores["float"]["bytes"]


def test_the_first_check_is_on_the_calibration_faces(made, calibration):
    check = made.history[-1].scores["check"]
    assert check["float"]["largest"] < 1e-4
    assert check["int8"]["faces"] == len(calibration)
    assert check["int8"]["agreement"] > 0.9
    assert 0 < check["int8"]["mean"] < check["int8"]["largest"]


def test_pruning_shrinks_the_download_only(pruned, made):
    after, before = (bundle.history[-1].scores for bundle in (pruned, made))
    for role in ("float", "int8"):
        assert after[role]["gzipped"] < 0.75 * before[role]["gzipped"]
        assert after[role]["bytes"] == pytest.approx(before[role]["bytes"], rel=0.01)
        assert after[role]["macs"] == before[role]["macs"]


def test_the_pruned_network_goes_along_with_its_sparsity(pruned, trained):
    told = pruned.history[-1].scores["sparsity"]
    assert sparsity_of(load_model(pruned.path("keras"))) == told["layers"]
    assert min(told["layers"].values()) > 0.79
    assert told["before"]["faces"] == told["after"]["faces"] == 42
    assert max(sparsity_of(load_model(trained.path("keras"))).values()) < 0.1
    assert Seen.load(pruned).is_whole(pruned)  # pruning trains on the same faces


def test_without_int8_no_calibration_is_needed(folder, trained):
    floats = export_bundle(trained, ExportRecipe(), folder / "float only")
    assert set(floats.files) == {"keras", "log", "float", "audit", "runtimes", "golden"}
    with pytest.raises(BundleError, match="has no int8 model. Make it with edgefer export"):
        floats.read("int8")


def test_an_export_can_be_exported_again(folder, made, calibration):
    again = export_bundle(made, INT8, folder / "again", calibration=calibration)
    # But for the digest of the bundle that it was made of, which it tells.
    assert audit(again.read("int8")).tensors == audit(made.read("int8")).tensors
    # Nothing is left of the first one's models; it would be told of if it had pruned.
    assert [step.stage for step in again.history] == ["train base", "export"]


def refused(folder, bundle, recipe, kind, words, **more):
    with pytest.raises(kind, match=words):
        export_bundle(bundle, recipe, folder / "refused", **more)
    assert not (folder / "refused").exists()


def test_what_is_missing_is_named(folder, trained, calibration):
    refused(folder, trained, INT8, EdgeferError, "int8 needs calibration faces")
    refused(folder, trained, ExportRecipe(sparsity="0.5"), EdgeferError, "--faces FACESET")
    plain = ExportRecipe()
    refused(folder, trained, plain, EdgeferError, "add --int8", calibration=calibration)


def test_calibration_faces_that_judge_the_model_are_refused(folder, trained, faces):
    val = faces.split("val")
    val = replace(val, splits=np.full(len(val), "train", object))  # the same pictures
    refused(folder, trained, INT8, DataError, "shares 42 faces", calibration=val, faces=faces)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"size": 24}, "16 pixels, those of"), ({"labels": KOREAN7}, "Train further with the faces")],
)
def test_faces_to_prune_on_must_fit_the_bundle(folder, tmp_path, trained, change, words):
    others = toy_faces(tmp_path / "others", each=4, **change)
    refused(folder, trained, ExportRecipe(sparsity="0.5"), DataError, words, faces=others)


def test_a_network_that_is_not_as_described_is_refused(folder, trained):
    keras = trained.path("keras")
    files = {"keras": keras}
    lying = write_bundle(folder / "lying", labels=FER7, size=24, files=files, history=[])
    refused(folder, lying, ExportRecipe(), BundleError, "its description says")


def test_a_bundle_without_a_network_is_refused(folder, tmp_path, made):
    files = {"int8": made.path("int8")}
    device = write_bundle(tmp_path / "device", labels=FER7, size=16, files=files, history=[])
    refused(folder, device, ExportRecipe(), BundleError, "start from the one that was trained")


def test_an_existing_bundle_stays_unless_forced(made, trained, calibration):
    before = made.digest
    with pytest.raises(DataError, match="Replace it with --force"):
        export_bundle(trained, INT8, made.folder, calibration=calibration)
    assert Bundle.load(made.folder).digest == before


def test_the_command_prints_sizes_and_the_check(folder, trained, calibration):
    arguments = [
        str(trained.folder),
        "--int8",
        "--rung",
        "int8",
        "--calib",
        str(calibration.folder),
    ]
    out = ["-o", str(folder / "typed"), "--force"]
    result = CliRunner().invoke(export, [*arguments, *out])
    assert result.exit_code == 0
    assert "5 CONV_2D v3" in result.stdout
    assert "on 56 calibration faces: the same emotion" in result.stdout
    result = CliRunner().invoke(export, [*arguments, *out, "--json"])
    assert json.loads(result.stdout) == Bundle.load(folder / "typed").history[-1].scores


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--int8"], "edgefer calib FACESET"),
        (["--sparsity", "0.5"], "--faces FACESET"),
        (["--calib", "somewhere"], "add --int8"),
    ],
)
def test_a_missing_option_is_wrong_usage(options, words):
    result = CliRunner().invoke(export, ["bundle", *options, "-o", "new"])
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_killed_export_leaves_no_bundle(tmp_path, trained, calibration):
    out = tmp_path / "killed"
    arguments = [trained.folder, "--int8", "--rung", "int8", "--calib", calibration.folder]
    arguments += ["-o", out]
    code = "from edgefer.export.commands import export; export()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with program(command, stderr=subprocess.PIPE, text=True) as process:
        said = next(line for line in process.stderr if "converting to int8" in line)
        process.kill()
    assert said
    assert process.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []
    whole = export_bundle(trained, INT8, out, calibration=calibration)
    whole.verify()


def test_one_changed_byte_is_refused_by_name(made, tmp_path):
    data = bytearray(made.read("int8"))
    data[len(data) // 2] ^= 1
    files = {role: made.path(role) for role in made.files}
    changed = write_bundle(tmp_path / "b", labels=FER7, size=16, files=files, history=[])
    (changed.folder / "int8.tflite").write_bytes(bytes(data))
    with pytest.raises(BundleError, match="int8.tflite was changed"):
        Bundle.load(changed.folder).path("int8")


def test_float_and_int8_answer_with_probabilities(made, faces):
    from edgefer.export.check import answers

    for role, tolerance in (("float", 1e-5), ("int8", 4 / 256)):
        sums = answers(made.read(role), faces.patches[:50]).sum(axis=1)
        assert np.abs(sums - 1).max() < tolerance
