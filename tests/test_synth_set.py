import csv

import numpy as np
import pytest
from trainings import draw

from edgefer.errors import DataError


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("synth") / "set")


def test_every_person_shows_every_emotion(faces):
    assert len(faces) == 70
    assert faces.counts["train"] == dict.fromkeys(faces.labels.names, 8)


def test_splits_are_disjoint_by_people(faces):
    people = [set(faces.split(name).persons) for name in ("train", "val", "test")]
    assert [len(own) for own in people] == [8, 1, 1]
    assert not people[0] & people[1] | people[0] & people[2] | people[1] & people[2]


def test_the_action_units_of_each_face_are_listed_as_openface_would(faces):
    with (faces.folder / "action_units.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == faces.ids.tolist()
    smiles = [float(row[" AU12_r"]) for row in rows]
    happy = faces.targets == faces.labels.index("happy")
    assert np.mean(np.array(smiles)[happy]) > np.mean(np.array(smiles)[~happy]) + 1


def test_the_seed_decides_and_other_seeds_draw_other_people(faces, tmp_path):
    assert draw(tmp_path / "same").digest == faces.digest
    other = draw(tmp_path / "other", seed=1)
    assert other.digest != faces.digest
    assert not other.shared_with(faces)


@pytest.mark.parametrize("options", [{"people": 9}, {"takes": 0}])
def test_too_few_faces_for_three_splits_are_refused(tmp_path, options):
    with pytest.raises(DataError, match="--people 10"):
        draw(tmp_path / "set", **options)
