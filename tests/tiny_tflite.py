"""TFLite models of a few hundred bytes, written by hand: no TensorFlow, and any flaw one likes."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgefer.bundle import Bundle, write_bundle
from edgefer.labels import labels_of

SIZE = 12
KINDS = {
    np.float32: schema.TensorType.FLOAT32,
    np.uint8: schema.TensorType.UINT8,
    np.int32: schema.TensorType.INT32,
}
LABELS = labels_of("tiny", "happy", "sad", "neutral")


def band(target: int, size: int = SIZE) -> np.ndarray:
    """A patch that is bright in the rows of one class and dark in the others."""
    patch = np.full((size, size), 40, np.uint8)
    rows = size // len(LABELS)
    patch[target * rows : (target + 1) * rows] = 200
    return patch


def tiny_bundle(folder, *, int8: bytes | None = None) -> Bundle:
    """A bundle whose models answer which third of a patch is bright."""
    folder.mkdir()
    (folder / "float.tflite").write_bytes(tiny_tflite(np.float32))
    (folder / "int8.tflite").write_bytes(tiny_tflite(np.uint8) if int8 is None else int8)
    files = {role: folder / f"{role}.tflite" for role in ("float", "int8")}
    return write_bundle(folder / "tiny", labels=LABELS, size=SIZE, files=files, history=[])


def bundle_with(folder, role: str, name: str, data: bytes) -> Bundle:
    """A tiny bundle with one more file, which holds these bytes."""
    plain = tiny_bundle(folder / "parts")
    (folder / name).write_bytes(data)
    files = {model: plain.path(model) for model in plain.files} | {role: folder / name}
    return write_bundle(folder / "more", labels=LABELS, size=SIZE, files=files, history=[])


def tiny_tflite(
    kind: type, *, size: int = SIZE, classes: int = 3, scale: float = 1.0, channels: int = 1
) -> bytes:
    """RESHAPE -> FULLY_CONNECTED -> SOFTMAX over the brightness of each band of rows."""
    pixels = size * size * channels
    weights = np.zeros((classes, size, size * channels), np.float32)
    for target in range(classes):
        rows = size // classes
        weights[target, target * rows : (target + 1) * rows] = 1
    mean = np.float32(3 / pixels / 50)  # a band brighter by 50 has a logit larger by 1
    model = _Writer()
    if kind is np.float32:
        picture = model.tensor([1, size, size, channels], kind)
        flat = model.tensor([1, pixels], kind)
        filters = model.tensor([classes, pixels], kind, data=weights.reshape(classes, -1) * mean)
        bias = model.tensor([classes], kind, data=np.zeros(classes, np.float32))
        logits = model.tensor([1, classes], kind)
        answer = model.tensor([1, classes], kind)
    else:
        picture = model.tensor([1, size, size, channels], kind, scale=scale)
        flat = model.tensor([1, pixels], kind, scale=scale)
        ones = weights.reshape(classes, -1).astype(np.uint8)
        filters = model.tensor([classes, pixels], kind, data=ones, scale=float(mean))
        zeros = np.zeros(classes, np.int32)
        bias = model.tensor([classes], np.int32, data=zeros, scale=float(mean) * scale)
        logits = model.tensor([1, classes], kind, scale=1 / 32)
        answer = model.tensor([1, classes], kind, scale=1 / 256)
    shape = model.tensor([2], np.int32, data=np.array([-1, pixels], np.int32))
    model.reshape([picture, shape], flat)
    model.connect([flat, filters, bias], logits)
    model.softmax(logits, answer)
    return model.bytes(picture, answer)


class _Writer:
    """A flatbuffer in the making."""

    def __init__(self) -> None:
        self._tensors, self._operators, self._codes = [], [], []
        self._buffers = [schema.BufferT()]

    def tensor(self, shape, kind, *, data=None, scale=None) -> int:
        made = schema.TensorT()
        made.shape, made.type, made.name = shape, KINDS[kind], f"t{len(self._tensors)}"
        # The first number of what depends on the batch may be any.
        made.shapeSignature = [-1, *shape[1:]] if data is None else shape
        made.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            self._buffers.append(buffer)
            made.buffer = len(self._buffers) - 1
        if scale is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
        self._tensors.append(made)
        return len(self._tensors) - 1

    def reshape(self, inputs, output) -> None:
        options = schema.ReshapeOptionsT()
        self._add("RESHAPE", inputs, output, schema.BuiltinOptions.ReshapeOptions, options)

    def connect(self, inputs, output) -> None:
        options = schema.FullyConnectedOptionsT()
        kind = schema.BuiltinOptions.FullyConnectedOptions
        self._add("FULLY_CONNECTED", inputs, output, kind, options)

    def softmax(self, source, output) -> None:
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        self._add("SOFTMAX", [source], output, schema.BuiltinOptions.SoftmaxOptions, options)

    def _add(self, name, inputs, output, kind, options) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        code.version = 1
        self._codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._codes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self._operators.append(operator)

    def bytes(self, source: int, answer: int) -> bytes:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = [source], [answer]
        model = schema.ModelT()
        model.version, model.subgraphs = 3, [graph]
        model.operatorCodes, model.buffers = self._codes, self._buffers
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
