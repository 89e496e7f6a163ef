"""Write a folder whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgefer.errors import DataError


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
        mark = f".{os.getpid()}.partial"
        made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.", suffix=mark))
    except OSError as error:
        raise DataError(f"cannot write to {out.parent}: {error.strerror}.") from error
    try:
        yield made
        made.chmod(0o755)
        _flush(made)
        refuse(out, marker, force=force)
        if out.exists():
            old = made.with_suffix(".old.partial")
            out.rename(old)
            made.rename(out)
            shutil.rmtree(old)
        else:
            made.rename(out)
    except OSError as error:
        raise DataError(f"cannot write {out}: {error}.") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def refuse(out: Path, marker: str, *, force: bool) -> None:
    """Raise unless ``out`` is free, empty, or of the same kind and given up with force."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / marker).is_file():
        raise DataError(f"{out} exists and holds no {marker}: choose another name with -o.")
    if not force:
        raise DataError(f"{out} exists. Replace it with --force, or choose another name with -o.")


def _sweep(out: Path) -> None:
    """Remove what killed runs of this machine left half-written."""
    for left in out.parent.glob(f".{out.name}.*.partial"):
        owner = left.name.split(".")[-2]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


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
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
