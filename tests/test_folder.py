import csv
import io
import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, HUFS5, parse_map
from edgefer.train.datasets.folder import find_pictures, guess_labels, import_folder


def picture(path, value=90, size=(60, 50), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value,) * len(mode)).save(path)
    return path


def read(source, out, renames="", labels=None):
    renamed, pictures = parse_map(renames), find_pictures(source)
    labels = labels or guess_labels(pictures, renamed)
    with write_faceset(out, labels, 48, source="test") as writer:
        import_folder(source, writer, pictures=pictures, renames=renamed)
    return FaceSet.load(out)


def reasons(out):
    with (out / "dropped.csv").open(encoding="utf-8") as file:
        return {row["origin"]: row["reason"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("path", "emotion", "split"),
    [
        ("train/happy/1.jpg", "happy", "train"),  # msambare
        ("test/test/sad/1.png", "sad", "test"),  # aadityasinghal
        ("dataset/train/angry/1.jpg", "angry", "train"),  # HUFS
        ("fer2013/resize/validation/neutral/1.jpg", "neutral", "val"),  # HUFS
        ("fear/1.webp", "fear", ""),  # no splits
        ("훈련 사진/기쁨/하나.bmp", "happy", ""),  # Korean
        ("Train/Surprised/1.PNG", "surprise", "train"),  # capitals
    ],
)
def test_layouts_of_known_sets_are_understood(tmp_path, path, emotion, split):
    picture(tmp_path / "in" / path)
    faces = read(tmp_path / "in", tmp_path / "out", labels=FER7)
    assert FER7.names[faces.targets[0]] == emotion
    assert faces.splits[0] == split
    assert faces.origins[0] == path


def test_the_csvs_of_the_hufs_tree_are_no_pictures(tmp_path):
    picture(tmp_path / "in" / "train" / "happy" / "happy_1.jpg")
    (tmp_path / "in" / "csvs").mkdir()
    (tmp_path / "in" / "csvs" / "happy.csv").write_text("file,label\n")
    assert len(read(tmp_path / "in", tmp_path / "out")) == 1


def test_a_decomposed_name_is_composed(tmp_path):
    picture(tmp_path / "in" / unicodedata.normalize("NFD", "기쁨") / "a.png")
    faces = read(tmp_path / "in", tmp_path / "out")
    assert faces.labels.names[faces.targets[0]] == "happy"
    assert faces.origins[0] == "기쁨/a.png"


def test_a_name_that_is_no_utf8_is_kept_readable(tmp_path):
    folder = tmp_path / "in" / "happy"
    folder.mkdir(parents=True)
    picture(tmp_path / "a.png").rename(os.fsdecode(os.fsencode(folder) + b"/\xb1\xe2.png"))
    assert read(tmp_path / "in", tmp_path / "out").origins[0].endswith(".png")


def test_the_smallest_set_that_fits_is_guessed(tmp_path):
    for emotion in ("happy", "sad", "embarrassed"):
        picture(tmp_path / "in" / emotion / "1.png")
    assert read(tmp_path / "in", tmp_path / "out").labels == HUFS5


def test_unknown_folders_are_named_with_what_to_type(tmp_path):
    picture(tmp_path / "in" / "bored" / "1.png")
    with pytest.raises(DataError, match="bored.*--labels"):
        read(tmp_path / "in", tmp_path / "out")


def test_a_map_renames_and_leaves_out(tmp_path):
    for emotion in FER7.names:
        picture(tmp_path / "in" / emotion / "1.png")
    faces = read(tmp_path / "in", tmp_path / "out", "surprise=embarrassed,disgust=,fear=")
    assert faces.labels == HUFS5
    assert faces.counts[""] == dict.fromkeys(HUFS5.names, 1)
    assert set(reasons(tmp_path / "out").values()) == {"left out by --map"}


def spoiled():
    good, jpeg = io.BytesIO(), io.BytesIO()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8))
    image.save(good, "PNG")
    image.save(jpeg, "JPEG")
    header = bytearray(good.getvalue())
    header[16:24] = (100_000).to_bytes(4, "big") * 2
    return {
        "text": b"this is no picture",
        "empty": b"",
        "cut png": good.getvalue()[:500],
        "cut jpeg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "ten gigapixels": bytes(header),
        "gif": b"GIF89a" + bytes(40),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", spoiled())
def test_what_is_no_picture_is_left_out_with_its_reason(tmp_path, kind):
    picture(tmp_path / "in" / "happy" / "good.png")
    (tmp_path / "in" / "happy" / "bad.png").write_bytes(spoiled()[kind])
    assert len(read(tmp_path / "in", tmp_path / "out")) == 1
    assert list(reasons(tmp_path / "out")) == ["happy/bad.png"]


@pytest.mark.parametrize("spoil", ["missing", "empty", "file"])
def test_a_source_without_pictures_is_one_error(tmp_path, spoil):
    source = tmp_path / "in"
    if spoil == "empty":
        source.mkdir()
    if spoil == "file":
        source.write_text("x")
    with pytest.raises(DataError, match="in "):
        find_pictures(source)


def test_a_map_of_a_folder_that_is_not_there_is_named(tmp_path):
    picture(tmp_path / "in" / "happy" / "1.png")
    with pytest.raises(DataError, match="--map renames 'hapy'.*The folders are: happy"):
        read(tmp_path / "in", tmp_path / "out", "hapy=sad", labels=FER7)
