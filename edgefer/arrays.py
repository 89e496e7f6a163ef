"""Read arrays out of an ``.npz`` file that somebody may have sent."""

import io
import struct
import zipfile
import zlib

import numpy as np

# What NumPy and zipfile raise at garbled bytes; a boastful header asks for memory or overflows.
GARBLED = (
    *(ValueError, TypeError, KeyError, IndexError, OSError, EOFError, RuntimeError, MemoryError),
    *(OverflowError, SyntaxError, struct.error, zlib.error, zipfile.BadZipFile),
    NotImplementedError,
)


def read_arrays(data: bytes, most: int) -> dict[str, np.ndarray]:
    """Arrays by name, none of them of objects.

    Parameters
    ----------
    data : bytes
        The file.
    most : int
        Bytes that all of them may take, unpacked.

    Raises
    ------
    one of GARBLED
        If it is no such file, or unpacks to more.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        size = sum(member.file_size for member in packed.infolist())
    if size > most:
        raise ValueError(f"{size:,} bytes, {most:,} are the most")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}
