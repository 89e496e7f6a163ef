"""Write into a TFLite file what it must be known by."""

import json
import struct

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgefer.errors import BundleError
from edgefer.metadata import MOST, NAME, About


def add_metadata(model: bytes, about: About) -> bytes:
    """A TFLite model that says of itself what it is.

    It answers to the bit what it answered before: only a buffer that no operator reads is added,
    beside those of the converter. Costs some 700 bytes.

    Parameters
    ----------
    model : bytes
        What the converter wrote; what edgefer wrote into it earlier is replaced.
    about : About

    Returns
    -------
    bytes
        The same for the same model and words, on every machine.

    Raises
    ------
    BundleError
        If these bytes are no TFLite model, or the words are more than 64 KiB.
    """
    text = json.dumps(about.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    data = np.frombuffer(text.encode(), np.uint8)
    if len(data) > MOST:
        raise BundleError(f"a model can say {MOST:,} bytes of itself, this is {len(data):,}.")
    if model[4:8] != b"TFL3":
        raise BundleError("this is no TFLite model: it lacks the mark TFL3. Export it again.")
    try:
        root = schema.ModelT.InitFromPackedBuf(model, 0)
        _buffer(root).data = data
        builder = flatbuffers.Builder(len(model) + len(data))
        builder.Finish(root.Pack(builder), b"TFL3")
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"this TFLite model is damaged: {error}. Export it again.") from error
    return bytes(builder.Output())


def _buffer(root: schema.ModelT) -> schema.BufferT:
    """Where the words go: the buffer that held them, or a new one."""
    root.metadata = root.metadata or []
    for entry in root.metadata:
        if entry.name == NAME.encode():
            return root.buffers[entry.buffer]
    entry = schema.MetadataT()
    entry.name, entry.buffer = NAME.encode(), len(root.buffers)
    root.metadata.append(entry)
    root.buffers.append(schema.BufferT())
    return root.buffers[-1]
