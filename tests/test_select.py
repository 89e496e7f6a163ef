import numpy as np
import pytest
from click.testing import CliRunner
from studies import pixels
from toys import SIZE, toy_face, toy_faces

from edgefer.errors import DataError
from edgefer.export.calibration import make_calibration
from edgefer.export.commands import calib
from edgefer.export.select import Features, choose, farthest, usable
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7

WAYS = ("balanced", "random", "spread")


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("select") / "faces", people=12, each=40)


@pytest.fixture(scope="module")
def look(trained):
    from edgefer.export.features import sight

    return sight(trained)


def write(out, rows):
    with write_faceset(out, FER7, SIZE, source="a test") as writer:
        for patch, emotion, split, person in rows:
            writer.add(patch, emotion, split=split, person=person)
    return FaceSet.load(out)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Faces in even light, but one in thirty of stronger contrast."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(420):
        soft = 128 + (toy_face(i % 7, rng).astype(float) - 128) * (1.6 if i % 30 == 0 else 0.6)
        rows.append((np.clip(soft, 0, 255).astype(np.uint8), FER7.names[i % 7], "train", ""))
    return write(tmp_path_factory.mktemp("uneven") / "faces", rows)


def radius(points, chosen):
    """Distance of the worst-covered face from the nearest chosen one."""
    gaps = points[:, None] - points[chosen]
    return np.sqrt((gaps**2).sum(axis=2)).min(axis=1).max()


def test_farthest_goes_from_end_to_end():
    line = np.array([[4.0], [0.0], [9.0], [5.0], [2.0]])
    assert farthest(line, np.array([""] * 5, object), 4) == [0, 2, 1, 4]


def test_farthest_takes_everybody_before_a_second_of_one():
    line = np.array([[0.0], [100.0], [1.0], [50.0]])
    persons = np.array(["a", "a", "b", "a"], object)
    assert farthest(line, persons, 3) == [0, 2, 1]


def test_farthest_passes_over_what_is_refused():
    line = np.array([[0.0], [9.0], [8.0]])
    assert farthest(line, np.array([""] * 3, object), 3, lambda at: at != 1) == [0, 2]


def test_points_weigh_each_group_alike_and_forget_what_never_changes():
    rng = np.random.default_rng(0)
    one, many = rng.normal(5, 80, (300, 1)), rng.normal(0, 1, (300, 60))
    constant = np.full((300, 9), 3.0)
    points = Features({"one": np.c_[one, constant], "many": many}).points
    assert points.shape == (300, 61)
    assert (points[:, :1] ** 2).sum() == pytest.approx((points[:, 1:] ** 2).sum())


@pytest.mark.train
def test_spread_covers_more_than_random(uneven, look):
    pool = usable(uneven)
    features = look(pool.faces)
    highest = features.groups["ranges"].max(axis=0)
    varying = highest > 0
    seen, reach = {}, {}
    for way in ("random", "spread"):
        draws = [choose(pool, 28, way=way, seed=seed, look=look) for seed in range(5)]
        tops = np.array([features.groups["ranges"][chosen].max(axis=0) for chosen in draws])
        seen[way] = (tops[:, varying] / highest[varying]).mean(axis=1)
        reach[way] = np.array([radius(features.points, chosen) for chosen in draws])
    assert seen["spread"].mean() > seen["random"].mean() + 0.1
    assert reach["spread"].mean() < 0.8 * reach["random"].mean()


@pytest.mark.train
def test_the_ranges_are_those_of_the_activations(faces, trained, look):
    from edgefer.keras import keras, load_model

    some = faces.select(np.arange(5))
    model = load_model(trained.path("keras"))
    relu = next(layer for layer in model.layers if isinstance(layer, keras.layers.ReLU))
    seen = keras.Model(model.input, relu.output)(some.patches[..., None].astype(np.float32))
    edges = look(some).groups["ranges"][:, :2]
    assert edges[:, 0] == pytest.approx(seen.numpy().min(axis=(1, 2, 3)), abs=1e-5)
    assert edges[:, 1] == pytest.approx(seen.numpy().max(axis=(1, 2, 3)), rel=1e-5)


@pytest.mark.train
def test_the_ranges_are_what_the_converter_keeps(faces, trained, look, tmp_path):
    from edgefer.export.audit import audit
    from edgefer.export.calibration import representative
    from edgefer.export.convert import to_int8
    from edgefer.keras import load_model

    some = faces.select(np.arange(9))
    # The converter sees a ramp before the faces.
    (ramp,) = next(representative(some.patches))
    shown = write(tmp_path / "ramp", [(ramp[0, ..., 0].astype(np.uint8), "happy", "", "")])
    tops = np.maximum(*(look(each).groups["ranges"].max(axis=0) for each in (some, shown)))
    found = audit(to_int8(load_model(trained.path("keras")), some.patches))
    scales = [
        found.tensors[step.outputs[0]].scale for step in found.operators if step.name == "CONV_2D"
    ]
    assert 255 * np.array(scales) == pytest.approx(tops[1::2], rel=1e-4)


@pytest.mark.train
def test_batches_change_nothing(faces, trained, look):
    from edgefer.export.features import sight

    whole = look(faces).groups
    for name, values in sight(trained, pixels=50 * SIZE**2)(faces).groups.items():
        assert values.dtype == np.float32
        assert values == pytest.approx(whole[name], abs=1e-4)


@pytest.mark.train
def test_light_and_pose_tell_what_they_name():
    from edgefer.export.features import light, pose

    rng = np.random.default_rng(0)
    face = np.clip(toy_face(0, rng, 32) * 0.5 + 40, 0, 255).astype(np.uint8)
    ramp = np.linspace(0, 60, 32)
    right, left = (np.clip(face + ramp[::way], 0, 255).astype(np.uint8) for way in (1, -1))
    blank = np.full((32, 32), 9, np.uint8)
    lights = light(np.stack([right, left, face + 30, blank]))
    assert lights[0, 2] > 0 > lights[1, 2]
    assert lights[2, 0] == pytest.approx(face.mean() + 30, abs=1e-3)
    assert lights[2, 1] == pytest.approx(face.std(), abs=1e-3)
    column = np.exp(-(((np.arange(32) - 15.5) / 4) ** 2)) * 200
    poses = pose(np.stack([np.roll(np.tile(column, (32, 1)), k, 1) for k in (-3, 0, 3)]))
    # The axis moves right by 3 pixels, the mirror image left by as many.
    assert np.diff(poses[:, 0]) * 32 == pytest.approx([-6, -6])
    assert np.isfinite(np.concatenate([lights, light(blank[None])])).all()
    assert np.isfinite(pose(blank[None])).all()


@pytest.mark.parametrize("way", WAYS)
def test_the_seed_decides(faces, way):
    pool = usable(faces)
    first, again, other = (
        choose(pool, 21, way=way, seed=seed, look=pixels).tolist() for seed in (3, 3, 4)
    )
    assert first == again != other


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [1, 10, 28, 150])
def test_as_many_as_asked_and_none_twice(faces, way, count):
    chosen = choose(usable(faces), count, way=way, look=pixels)
    assert len(chosen) == len(set(chosen.tolist())) == count


@pytest.mark.parametrize("way", ["balanced", "spread"])
def test_emotions_come_alike_and_what_is_left_over_is_spread(faces, way):
    pool = usable(faces)
    chosen = choose(pool, 24, way=way, look=pixels)
    assert sorted(np.bincount(pool.faces.targets[chosen])) == [3, 3, 3, 3, 4, 4, 4]


def test_random_keeps_the_emotions_as_they_come(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(toy_face(i % 7, rng), "happy" if i % 10 else "sad", "train", "") for i in range(400)]
    pool = usable(write(tmp_path / "f", rows))
    chosen = choose(pool, 200, way="random")
    assert (pool.faces.targets[chosen] == FER7.index("sad")).mean() == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize("way", ["balanced", "spread"])
def test_one_face_of_each_person_comes_before_a_second(faces, way):
    pool = usable(faces)
    everyone = set(pool.faces.persons)
    chosen = choose(pool, len(everyone) * len(FER7), way=way, look=pixels)
    for target in range(len(FER7)):
        found = pool.faces.persons[chosen[pool.faces.targets[chosen] == target]]
        assert sorted(found) == sorted(everyone)


@pytest.mark.parametrize("way", WAYS)
def test_no_picture_or_person_of_a_judge_and_no_second_copy(tmp_path, way):
    rng = np.random.default_rng(2)
    patches = [toy_face(3, rng) for _ in range(6)]
    rows = [
        (patches[0], "happy", "train", "a"),
        (patches[0], "happy", "val", "b"),  # the same picture is judged
        (patches[1], "happy", "train", "c"),
        (patches[2], "happy", "test", "c"),  # the same person is judged
        (patches[3], "happy", "train", "d"),
        (patches[3], "happy", "train", "e"),  # a second copy tells nothing
        (patches[4], "happy", "train", "f"),  # another set judges this picture
    ]
    mixed = write(tmp_path / "mixed", rows)
    judge = write(tmp_path / "judge", [(patches[4], "sad", "test", "g")])
    pool = usable(mixed, [judge])
    chosen = pool.faces.select(choose(pool, 70, way=way, look=pixels))
    assert len(chosen) == 1
    assert (chosen.patches[0] == patches[3]).all()


def test_an_unknown_way_is_refused(faces):
    with pytest.raises(DataError, match="--select best is not one of balanced, random, spread"):
        choose(usable(faces), 7, way="best")


@pytest.mark.train
def test_the_set_says_how_it_was_chosen(faces, trained, tmp_path):
    for way, said in (
        ("balanced", "edgefer calib, balanced, 2 faces an emotion, seed 5"),
        ("random", "edgefer calib, random, 14 faces, seed 5"),
        ("spread", f"spread over the features of bundle {trained.digest}, 2 faces an emotion"),
    ):
        made = make_calibration(
            faces, tmp_path / way, per_emotion=2, select=way, bundle=trained, seed=5
        )
        assert said in made.source
        assert len(made) == 14


def test_another_patch_size_is_refused_before_anything_is_looked_at(faces, tmp_path):
    with pytest.raises(DataError, match="takes patches of 48 pixels, those of .* have 16"):
        make_calibration(faces, tmp_path / "c", select="spread")
    assert not (tmp_path / "c").exists()


def test_spread_looks_at_some_faces_of_an_emotion_and_not_at_all(faces):
    seen = []

    def watch(some):
        seen.append(len(some))
        return pixels(some)

    choose(usable(faces), 14, way="spread", look=watch, candidates=20)
    assert seen == [20] * len(FER7)


@pytest.mark.train
def test_the_command_chooses(faces, trained, tmp_path):
    out = tmp_path / "c"
    options = ["--per-emotion", "3", "--select", "spread", "--bundle", str(trained.folder)]
    result = CliRunner().invoke(calib, [str(faces.folder), "-o", str(out), *options])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{out}: 21 faces: 3 angry")


def test_a_bundle_without_spread_is_wrong_usage(faces, tmp_path):
    options = [str(faces.folder), "-o", str(tmp_path / "c"), "--bundle", "default"]
    result = CliRunner().invoke(calib, options)
    assert result.exit_code == 2
    assert "--select spread" in result.output
