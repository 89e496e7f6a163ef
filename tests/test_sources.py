import io
import os
import stat
import subprocess
import unicodedata
import zipfile
from pathlib import Path

import pytest
from aihub_packing import write_zip
from hypothesis import given
from hypothesis import strategies as st

from edgefer.errors import DataError
from edgefer.train.datasets.sources import Entry, basename, read, scan

NAME = "[원천]기쁨/도심 & 자연_001.jpg"


def found(*sources):
    return {entry.name: entry for entry in scan(sources)}


@pytest.mark.parametrize(
    ("encoding", "form"),
    [
        ("cp949", "NFC"),  # which has no decomposed letters
        ("utf-8", "NFC"),
        ("utf-8", "NFD"),
        ("utf-8 flag", "NFC"),
        ("utf-8 flag", "NFD"),
    ],
)
def test_korean_names_in_a_zip_are_read_whoever_wrote_it(tmp_path, encoding, form):
    write_zip(tmp_path / "a.zip", [(unicodedata.normalize(form, NAME), b"photo")], encoding)
    (name, entry), *_ = found(tmp_path).items()
    assert name == f"a/{NAME}"
    assert read(entry) == b"photo"


def test_folders_zips_and_zips_in_folders_are_one_list(tmp_path):
    (tmp_path / "in" / "below" / "empty").mkdir(parents=True)
    (tmp_path / "in" / "below" / unicodedata.normalize("NFD", "기쁨.jpg")).write_bytes(b"1")
    write_zip(tmp_path / "in" / "나.zip", [("x/2.jpg", b"22")], "cp949")
    write_zip(tmp_path / "third.zip", [("3.jpg", b"333"), ("empty/", b"")], "cp949")
    entries = found(tmp_path / "in", tmp_path / "third.zip")
    assert list(entries) == ["나/x/2.jpg", "below/기쁨.jpg", "third/3.jpg"]
    assert [read(entry) for entry in entries.values()] == [b"22", b"1", b"333"]
    assert [entry.size for entry in entries.values()] == [2, 1, 3]


def test_files_are_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"1")
    write_zip(tmp_path / "in" / "b.zip", [("b.jpg", b"2")], "cp949")
    monkeypatch.chdir(tmp_path)
    entries = [*scan([Path("in")]), *scan([Path("in/b.zip")])]
    monkeypatch.chdir("/")
    assert [read(entry) for entry in entries] == [b"1", b"2", b"2"]


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.jpg",
        "/etc/evil.jpg",
        "C:\\Windows\\evil.jpg",
        "..\\..\\evil.jpg",
        "a/./b/evil.jpg",
    ],
)
def test_a_name_that_climbs_out_is_only_a_name(tmp_path, name):
    (tmp_path / "in").mkdir()
    write_zip(tmp_path / "in" / "a.zip", [(name, b"photo")], "cp949")
    (shown, entry), *_ = found(tmp_path / "in").items()
    assert read(entry) == b"photo"
    assert basename(shown) == "evil.jpg"
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.zip"]


def test_a_name_half_in_utf8_is_kept_readable(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("XXXXXX.jpg", b"photo")
    raw = path.read_bytes().replace(b"XXXXXX", "기".encode() + "기".encode("cp949") + b"\xff")
    path.write_bytes(raw)
    (name, entry), *_ = found(path).items()
    assert name.endswith(".jpg")
    assert read(entry) == b"photo"


def test_a_link_in_a_zip_is_not_followed(tmp_path):
    link = zipfile.ZipInfo("photo.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        read(found(tmp_path)["a/photo.jpg"])


def test_what_unpacks_to_too_much_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photo.jpg", bytes(3 * 2**20))
    entry = found(tmp_path)["bomb/photo.jpg"]
    with pytest.raises(DataError, match="larger than 2 MB"):
        read(entry, largest=2 * 2**20)


def test_a_flipped_byte_in_a_zip_is_noticed(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"the photo")
    path.write_bytes(path.read_bytes().replace(b"the photo", b"the fhoto"))
    with pytest.raises(DataError, match="damaged in its zip"):
        read(found(path)["a/photo.jpg"])


def test_an_encrypted_photo_is_said_to_be_so(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"x")
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the entry's own header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    path.write_bytes(data)
    with pytest.raises(DataError, match="encrypted"):
        read(found(path)["a/photo.jpg"])


def test_a_zip_cut_off_while_downloading_is_named(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", bytes(1000))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"a\.zip is damaged, or its download was cut off"):
        found(tmp_path)


def test_what_is_said_of_parts_puts_them_together(tmp_path):
    whole = tmp_path / "AI 허브" / "[원천]기쁨.zip"
    write_zip(whole, [(f"{i}.jpg", bytes([i]) * 9) for i in range(40)], "cp949")
    data = whole.read_bytes()
    whole.unlink()
    for start in range(0, len(data), 300):
        whole.with_name(f"{whole.name}.part{start}").write_bytes(data[start : start + 300])
    with pytest.raises(DataError, match="is one part of a zip") as error:
        found(tmp_path)
    subprocess.run(str(error.value).partition("first: ")[2], shell=True, check=True)
    assert whole.read_bytes() == data


def test_a_source_that_is_nothing_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere does not exist"):
        found(tmp_path / "nowhere")
    (tmp_path / "text").write_text("x")
    with pytest.raises(DataError, match="neither a folder nor a zip"):
        found(tmp_path / "text")


def test_pipes_and_links_to_nowhere_do_not_stop_the_scan(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nowhere")
    entries = found(tmp_path)
    assert list(entries) == ["pipe.jpg"]
    with pytest.raises(DataError, match="no ordinary file"):
        read(entries["pipe.jpg"])


def test_linked_folders_are_entered_once(tmp_path):
    (tmp_path / "other disk").mkdir()
    (tmp_path / "other disk" / "a.jpg").write_bytes(b"a")
    source = tmp_path / "download"
    source.mkdir()
    (source / "linked").symlink_to(tmp_path / "other disk")
    (source / "again").symlink_to(tmp_path / "other disk")
    (tmp_path / "other disk" / "back").symlink_to(source)
    assert list(found(source)) == ["again/a.jpg"]


def test_what_edgefer_made_is_no_part_of_the_download(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a")
    for name, file in (
        ("korean.import", "plan.json"),
        (".korean.x7-1", "import.json"),
        ("korean", "faceset.json"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("[]")
    assert list(found(tmp_path)) == ["photos/a.jpg"]


def test_a_photo_that_went_away_is_the_machines_fault(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(Entry("a.jpg", str(tmp_path / "a.jpg"), -1, 5, 0))


def test_a_file_or_zip_that_was_replaced_is_not_taken_for_the_old_one(tmp_path):
    write_zip(tmp_path / "a.zip", [("1.jpg", b"one"), ("2.jpg", b"two")], "cp949")
    (tmp_path / "b.jpg").write_bytes(b"three")
    entries = found(tmp_path)
    assert read(entries["a/1.jpg"]) == b"one"
    write_zip(tmp_path / "a.zip", [("2.jpg", b"two"), ("1.jpg", b"one")], "cp949")
    (tmp_path / "b.jpg").write_bytes(b"other")
    os.utime(tmp_path / "b.jpg", ns=(0, 0))
    for entry in entries.values():
        with pytest.raises(OSError, match="was changed since"):
            read(entry)


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_a_flipped_bit_anywhere_in_a_zip_is_a_photo_or_an_error(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("사진.jpg", bytes(range(200)))
    good = path.read_bytes()
    wrong = 0
    for at in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[at // 8] ^= 1 << at % 8
        path = tmp_path / f"{at}.zip"
        path.write_bytes(flipped)
        try:
            for entry in scan([path]):
                assert read(entry) == bytes(range(200))
        except DataError:
            wrong += 1
        path.unlink()
    assert wrong > len(good)


@given(data=st.binary(max_size=300), kept=st.integers(0, 200), method=st.sampled_from(METHODS))
def test_hostile_bytes_are_a_zip_or_an_error(tmp_path_factory, data, kept, method):
    good = io.BytesIO()
    with zipfile.ZipFile(good, "w", method) as archive:
        archive.writestr("사진.jpg", b"photo")
    path = tmp_path_factory.mktemp("hostile") / "a.zip"
    path.write_bytes(good.getvalue()[:kept] + data + good.getvalue()[kept:])
    try:
        for entry in scan([path]):
            read(entry)
    except DataError:
        return
