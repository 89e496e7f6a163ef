"""Files that are what their hashes say: SHA256SUMS, and reading by it."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from edgefer.errors import BundleError, why
from edgefer.untrusted import MOST, check_name, opened, read_file, shown

SUMS = "SHA256SUMS"
SIGNATURE = "SIGNATURE"  # signs SUMS, so that it cannot be listed there
_MOST = 2**20  # bytes of the list
_STEP = 2**20  # bytes hashed at once


def read_sums(folder: Path) -> dict[str, str]:
    """SHA-256 of each file by its name, as written down in a folder.

    Raises
    ------
    BundleError
        If the list is missing, or is anything but what `format_sums` writes.
    """
    path = folder / SUMS
    data = read_file(path, _MOST)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} cannot be read: {why(error)}. Get the bundle again.") from error
    sums = {name: digest for digest, name in re.findall(r"([0-9a-f]{64})  ([^/\\\n]+)\n", text)}
    if text != format_sums(sums):
        raise BundleError(f"{path} was changed: it is no list of hashes. Get the bundle again.")
    for name in sums:
        try:
            check_name(name)
        except ValueError as error:
            raise BundleError(f"{path} lists the {error}. Get the bundle again.") from error
        if name in (SUMS, SIGNATURE, os.curdir, os.pardir):
            raise BundleError(f"{path} lists {name!r}, which it cannot. Get the bundle again.")
    return sums


def format_sums(sums: Mapping[str, str]) -> str:
    """Text that ``sha256sum --check`` reads."""
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items())


def hash_of(data: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def verified(folder: Path, name: str, sums: Mapping[str, str], most: int = MOST) -> bytes:
    """Bytes of a file whose hash is the one written down.

    Raises
    ------
    BundleError
        If it has no hash, is no ordinary file of at most ``most`` bytes, or was changed.
    """
    _require_listed(folder, name, sums)
    data = read_file(folder / name, most)
    _compare(folder / name, hash_of(data), sums[name])
    return data


def verify_all(folder: Path, sums: Mapping[str, str]) -> None:
    """Compare every file with its hash, then look for files without one.

    Raises
    ------
    BundleError
        Naming the first that is missing, changed, or not listed.
    """
    for name in sums:
        _require_listed(folder, name, sums)
        hasher = hashlib.sha256()
        with opened(folder / name) as file:
            while part := file.read(_STEP):
                hasher.update(part)
        _compare(folder / name, hasher.hexdigest(), sums[name])
    try:
        there = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise BundleError(f"{folder} cannot be read: {why(error)}.") from error
    for name in sorted(there - {*sums, SUMS, SIGNATURE}):
        raise BundleError(
            f"{folder / shown(name)} is not listed in {SUMS}: it is no part of the bundle. Remove "
            "it, or get the bundle again."
        )


def _require_listed(folder: Path, name: str, sums: Mapping[str, str]) -> None:
    # A name comes from a file that somebody may have sent: it never leads out of the folder.
    if name not in sums or Path(name).name != name:
        raise BundleError(
            f"{folder} has no hash for {shown(repr(name))} in {SUMS}. Get the bundle again."
        )


def _compare(path: Path, found: str, written: str) -> None:
    if found != written:
        raise BundleError(
            f"{path} was changed: its SHA-256 is not the one in {SUMS}. Get it again."
        )
