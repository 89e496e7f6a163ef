"""What a network was trained on, and whether it is found again."""

import zipfile

import numpy as np
import pytest
from toys import SIZE, toy_face

from edgefer.arrays import read_arrays
from edgefer.bundle import Step, write_bundle
from edgefer.edge.leaks import find_leaks
from edgefer.errors import BundleError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.seen import Seen


def draw(out, seeds, split, person="민수"):
    with write_faceset(out, FER7, SIZE, source="toys") as writer:
        for seed in seeds:
            patch = toy_face(seed % 7, np.random.default_rng(seed))
            writer.add(patch, FER7.names[seed % 7], split=split, person=f"{person}{seed // 5}")
    return FaceSet.load(out)


def bundle_of(folder, seen, *sets):
    files = {"training": seen.save(folder / "training.npz")} if seen else {}
    history = [Step("train base", facesets={"faces": digest}) for digest in sets]
    return write_bundle(folder / "made", labels=FER7, size=SIZE, files=files, history=history)


@pytest.fixture
def trained(tmp_path):
    return draw(tmp_path / "trained", range(40), "train")


@pytest.fixture
def judged(tmp_path):
    return draw(tmp_path / "judged", range(30, 60), "test")


def test_trained_faces_are_found_in_a_face_set_of_another_digest(trained, judged, tmp_path):
    bundle = bundle_of(tmp_path, Seen.of(trained), trained.digest)
    leaks = find_leaks(bundle, judged, judged, "test")
    assert (leaks.train_faces, leaks.train_people) == (10, 2)
    assert leaks.seen.tolist() == [True] * 10 + [False] * 20
    assert any(
        "10 of the 30 judged faces also trained the network" in line for line in leaks.warnings
    )
    assert not any("cannot be told" in line for line in leaks.warnings)


def test_a_bundle_that_does_not_name_its_training_says_so(judged, tmp_path):
    leaks = find_leaks(bundle_of(tmp_path, None, "ab"), judged, judged, "test")
    assert leaks.train_faces == 0
    assert any("all faces that it was trained on" in line for line in leaks.warnings)


def test_a_transfer_has_seen_what_its_base_has(trained, judged, tmp_path):
    later = draw(tmp_path / "later", range(100, 110), "train")
    both = Seen.of(later) | Seen.of(trained)
    bundle = bundle_of(tmp_path, both, trained.digest, later.digest)
    loaded = Seen.load(bundle)
    assert loaded is not None
    assert loaded.is_whole(bundle)
    assert loaded.has_faces(judged).sum() == 10
    assert loaded.has_faces(later).all()
    assert not Seen.of(later).is_whole(bundle)


def test_a_garbled_file_is_named(tmp_path):
    (tmp_path / "training.npz").write_bytes(b"PK\3\4 nothing")
    files = {"training": tmp_path / "training.npz"}
    bundle = write_bundle(tmp_path / "made", labels=FER7, size=SIZE, files=files, history=[])
    with pytest.raises(BundleError, match=r"training\.npz"):
        Seen.load(bundle)


def test_a_file_that_unpacks_to_gigabytes_is_refused(tmp_path):
    packed = tmp_path / "bomb.npz"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("faces.npy", bytes(2**28 + 1))
    with pytest.raises(ValueError, match="are the most"):
        read_arrays(packed.read_bytes(), 2**28)
