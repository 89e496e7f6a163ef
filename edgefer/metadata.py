"""What a TFLite file says of itself: labels, patch size and origin, in a buffer of its own."""

import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgefer import __version__
from edgefer.errors import BundleError
from edgefer.labels import Labels
from edgefer.untrusted import check_name, parse, shown, to_labels, to_size, understood

NAME = "EDGEFER"  # of the buffer among the model's metadata
MOST = 2**16  # bytes; seven labels take 600
# The converter writes two. A damaged file may claim four billion, and each would be looked at.
_ENTRIES = 64


@dataclass(frozen=True)
class About:
    """What a model that lies about alone must be known by.

    Attributes
    ----------
    labels : Labels
        What its answers count in.
    size : int
        Side of the patches it takes, in pixels.
    preprocess : str
        How they are cut out of a picture, such as ``gray-area-1``.
    role : str
        ``int8``, ``float`` or another.
    calibration : str or None
        Digest of the face set that int8 was calibrated on.
    source : str
        Digest of the bundle that it was exported from.
    edgefer : str
        Version that wrote it.
    """

    labels: Labels
    size: int
    preprocess: str
    role: str
    calibration: str | None
    source: str
    edgefer: str = __version__

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON; ``format`` tells a later version how to read it."""
        return {"format": 1, **asdict(self)}

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> "About":
        """From what `to_json` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing, or is not what it should be.
        """
        if about["format"] != 1:
            raise ValueError(f"format {shown(about['format'])}, expected 1")
        calibration = about["calibration"]
        return cls(
            to_labels(about["labels"]),
            to_size(about["size"]),
            check_name(about["preprocess"]),
            check_name(about["role"]),
            None if calibration is None else check_name(calibration),
            check_name(about["source"]),
            check_name(about["edgefer"]),
        )


def read_metadata(model: bytes, where: object = "the model") -> About | None:
    """What a TFLite file says of itself; None if it says nothing.

    Parameters
    ----------
    model : bytes
        The file. Nothing in it is run, and nothing in it is trusted.
    where : object
        What to call it in an error.

    Raises
    ------
    BundleError
        If these bytes are no TFLite model, or what it says is garbled.
    """
    if model[4:8] != b"TFL3":
        raise BundleError(f"{where} is no TFLite model: it lacks the mark TFL3.")
    try:
        found = _find(model)
    except (struct.error, IndexError, TypeError, ValueError, OverflowError) as error:
        raise BundleError(f"{where} is damaged: {shown(error)}. Get it again.") from error
    if found is None:
        return None
    if len(found) > MOST:
        raise BundleError(
            f"{where} says {len(found):,} bytes about itself, expected at most {MOST:,}."
        )
    said = f"what {where} says of itself"
    with understood(said, "Export it again."):
        return About.of(parse(said, found))


def _find(model: bytes) -> bytes | None:
    """The buffer of our name."""
    from ai_edge_litert import schema_py_generated as schema

    # Only the way to that buffer is read: to unpack a hostile file as a whole may take for ever.
    root = schema.Model.GetRootAs(model, 0)
    for i in range(min(root.MetadataLength(), _ENTRIES)):
        entry = root.Metadata(i)
        if entry is not None and entry.Name() == NAME.encode():
            if entry.Buffer() >= root.BuffersLength():
                raise IndexError(f"{NAME} points to buffer {entry.Buffer()}")
            data = root.Buffers(entry.Buffer()).DataAsNumpy()
            return b"" if isinstance(data, int) else bytes(data)
    return None
