"""Write a folder whole or not at all."""

import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgefer.errors import DataError

_OLD = "-old"  # after the name of a folder that makes room for a new one
_WEEK = 7 * 24 * 3600.0  # seconds


@contextmanager
def new_folder(out: Path, marker: str, *, force: bool = False) -> Iterator[Path]:
    """Give a folder to fill; it takes its name only when everything is in it.

    Parameters
    ----------
    out : Path
        The name it takes at the end.
    marker : str
        The file that tells such a folder from others: only a folder that holds it is replaced.
    force : bool
        Replace what is there.

    Yields
    ------
    Path
        A temporary folder beside ``out``. It goes away if the work fails or is interrupted.

    Raises
    ------
    DataError
        If ``out`` exists and may not be replaced, or nothing can be written there.
    """
    out = out.absolute()
    refuse(out, marker, force=force)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _sweep(out)
        made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.", suffix=_mark()))
    except OSError as error:
        raise DataError(f"cannot write to {out.parent}: {error.strerror}.") from error
    try:
        refuse(out, marker, force=force)
        yield made
        made.chmod(0o755)
        _flush(made)
        refuse(out, marker, force=force)
        _place(made, out)
    except OSError as error:
        # What the work reads from is not what it writes.
        if _is_foreign(error.filename, made, out):
            raise DataError(f"cannot open {error.filename}: {error.strerror}.") from error
        raise DataError(f"cannot write {out}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_file(path: Path, data: bytes, *, force: bool = False, mode: int = 0o644) -> None:
    """Write a file whole or not at all; nobody whom ``mode`` keeps out ever sees a part of it.

    Raises
    ------
    DataError
        If it exists and may not be replaced, or cannot be written.
    """
    if path.exists() and not force:
        raise DataError(f"{path} exists. Replace it with --force, or choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(made).chmod(mode)
        Path(made).replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}.") from error
    finally:
        Path(made).unlink(missing_ok=True)


def refuse(out: Path, marker: str, *, force: bool) -> None:
    """Raise unless ``out`` is free, empty, or of the same kind and given up with force."""
    place = next(parent for parent in out.absolute().parents if parent.exists())
    if not os.access(place, os.W_OK):
        raise DataError(f"cannot write to {place}: it is read-only for you.")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / marker).is_file():
        raise DataError(f"{out} exists and holds no {marker}: choose another name with -o.")
    if not force:
        raise DataError(f"{out} exists. Replace it with --force, or choose another name with -o.")


def _is_foreign(name: object, made: Path, out: Path) -> bool:
    if name is None:
        return False
    path = Path(str(name))
    return not path.is_relative_to(made) and path not in (out, out.parent, _aside(made))


def _aside(made: Path) -> Path:
    """Where what stands in the way of a finished folder waits until it has its name."""
    return made.with_name(f"{made.name}{_OLD}")


def _place(made: Path, out: Path) -> None:
    """Give a finished folder its name; what had it goes only when that is done."""
    old = _aside(made)
    if out.exists():
        out.rename(old)
    try:
        made.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    _sync(out.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sweep(out: Path) -> None:
    """Put right what killed runs left: half-written folders go, a folder moved aside comes back."""
    name = re.compile(rf"\.{re.escape(out.name)}\.[^.]+\.([^.]+)\.(\d+)\.partial({_OLD})?")
    for left in sorted(out.parent.iterdir()):
        found = name.fullmatch(left.name)
        if not found or not _abandoned(left, found[1], int(found[2])):
            continue
        if found[3] and not out.exists():
            left.rename(out)
        else:
            shutil.rmtree(left, ignore_errors=True)


def _mark() -> str:
    """Who writes a folder: host and process. Others may see the same disk."""
    return f".{_host()}.{os.getpid()}.partial"


def _host() -> str:
    # Containers of one machine may bear one name, but never count processes alike.
    spaces = Path("/proc/self/ns/pid")
    space = spaces.readlink().name if spaces.is_symlink() else ""
    return re.sub(r"\W+", "-", f"{platform.node()}-{space}").strip("-")


def _abandoned(left: Path, host: str, process: int) -> bool:
    """Whether nobody writes a folder any more."""
    if host == _host():
        return not _alive(process)
    # Whether a process elsewhere is alive cannot be asked; a week without a change tells enough.
    return time.time() - _changed(left) > _WEEK


def _changed(folder: Path) -> float:
    """When something in a folder was last written."""
    try:
        return max(path.stat().st_mtime for path in [folder, *folder.rglob("*")])
    except OSError:
        return time.time()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _flush(folder: Path) -> None:
    """Bring every file, and the folder itself, to the disk."""
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
