"""The real FER2013: what was published of it, and what is known to be wrong with it."""

import pytest

from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.train.clean.apply import apply_drops
from edgefer.train.clean.duplicates import find_duplicates
from edgefer.train.clean.findings import rank, settle, summary, write_findings
from edgefer.train.clean.quality import find_poor
from edgefer.train.datasets.fer2013 import import_fer2013
from edgefer.train.show import summarize

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def faces(shared, tmp_path_factory):
    out = tmp_path_factory.mktemp("fer2013") / "set"
    votes = shared / "ferplus" / "fer2013new_dev.csv"
    with write_faceset(out, FER7, 48, source="fer2013") as writer:
        import_fer2013(shared / "fer2013" / "fer2013_dev.csv.gz", writer, ferplus=votes)
    return FaceSet.load(out)


def test_it_has_the_published_counts(faces):
    assert list(faces.counts["train"].values()) == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert list(faces.counts["val"].values()) == [467, 56, 496, 895, 653, 415, 607]
    assert faces.split("val").shared_with(faces.split("train")).faces == 280


def test_its_blanks_conflicts_and_leaks_are_found_and_go(faces, tmp_path):
    found = settle(rank(find_poor(faces) + find_duplicates(faces)))
    about = summary(faces, found)
    assert summarize(faces).leaked == {"val": 280}
    assert about["kinds"]["conflict"] == {"faces": 129, "groups": 47, "drop": 129}
    # Twelve are all black; two more are of one tone but for a few pixels.
    assert about["kinds"]["blank"]["faces"] == 14
    write_findings(faces, found, tmp_path)
    made = apply_drops(faces, tmp_path / "drops.csv", tmp_path / "clean")
    assert not find_duplicates(made)
    assert made.split("val").shared_with(made.split("train")).faces == 0
