"""Folders and zips as AI Hub 82 packs them: their names, encodings and mistakes."""

import json
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def pack(
    root: Path,
    split: str,
    korean: str,
    files: dict[str, bytes],
    records: Sequence[dict[str, Any]],
    way: int,
    twins: Sequence[str],
) -> None:
    """Write one class of one split in one of seven ways."""
    word, folder = ("TRAIN", "Training") if split == "train" else ("VALID", "Validation")
    paper = f"img_emotion_{'training' if split == 'train' else 'validation'}_data({korean}).json"
    text = json.dumps(records, ensure_ascii=False, indent=1)
    encoded = text.encode(("utf-8", "utf-8-sig", "cp949")[way % 3])
    parent = root / folder
    labels, source = f"[라벨]EMOIMG_{korean}_{word}", f"[원천]EMOIMG_{korean}_{word}"
    names = sorted(files)
    if way == 6:  # an unpacker that cannot write &
        files = {name.replace("&", "_"): data for name, data in files.items()}
        names = sorted(files)
    halves = {f"{source}_01": names[: len(names) // 2], f"{source}_02": names[len(names) // 2 :]}
    if way == 1 or way == 2 or way == 6:
        form = "NFD" if way == 2 else "NFC"
        _write(parent, f"{labels}/{paper}", encoded, form)
        for part, own in halves.items():
            for name in own:
                _write(parent, f"{part}/{name}", files[name], form)
            if twins:
                _write(parent, f"{source}_02/again/{twins[0]}", b"other", form)
        return
    flags = {0: "cp949", 3: "utf-8 flag", 4: "cp949", 5: "utf-8"}[way]
    if way == 4:
        _write(parent, f"{labels}/{paper}", encoded, "NFC")
    else:
        write_zip(parent / f"{labels}.zip", [(paper, encoded)], flags)
    for part, own in halves.items():
        members = [(f"{part}/{name}" if way == 3 else name, files[name]) for name in own]
        if twins and part.endswith("2"):
            members.append((f"again/{twins[0]}", b"other"))
        write_zip(parent / f"{part}.zip", members, flags)


def write_zip(path: Path, members: Sequence[tuple[str, bytes]], encoding: str) -> None:
    """A zip whose names are in CP949 or UTF-8 without saying so, or in UTF-8 with the flag."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name) if encoding == "utf-8 flag" else _RawName(name, encoding)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


class _RawName(zipfile.ZipInfo):
    """An entry whose name is written as bytes, without the UTF-8 flag."""

    def __init__(self, name: str, encoding: str) -> None:
        super().__init__(name)
        self.encoding = encoding

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode(self.encoding), self.flag_bits & ~0x800


def _write(parent: Path, name: str, data: bytes, form: str) -> None:
    path = parent / unicodedata.normalize(form, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
