"""Make of tf2onnx's graph one that reads well, is the same each time, and suits TensorRT."""

import math
import re
from collections import Counter
from typing import Any

import onnx
from onnx import numpy_helper

GIVEN, ANSWER, BATCH = "faces", "probabilities", "batch"


def tidy(model: Any) -> Any:
    """The same network in a graph of its own names and order.

    tf2onnx numbers what it adds through the whole process and merges equal weights in the order of
    a hash: the same network twice gives other bytes. Here a step is called after its Keras layer, a
    weight after the step that reads it, and both stand in the order of the work. A ``Rescaling``
    without an offset adds nothing; pooled or flattened maps go through ``Flatten``, which needs no
    64-bit integers, where tf2onnx has ``Squeeze`` and ``Reshape``.

    Parameters
    ----------
    model : onnx.ModelProto
        As tf2onnx makes it, of one input and one output.

    Returns
    -------
    onnx.ModelProto
        Input ``faces``, output ``probabilities``; a batch of any number is called ``batch``.

    Raises
    ------
    ValueError
        If there is more than one input or output, control flow, or a step that ONNX does not have.
    """
    graph = model.graph
    # tf2onnx leaves what it cannot express as it is.
    foreign = sorted({node.op_type for node in graph.node if not _known(node)})
    if foreign:
        raise ValueError(f"there is no {', '.join(foreign)}")
    flows = sorted({node.op_type for node in graph.node if branches(node)})
    if flows:
        raise ValueError(f"it branches or loops while it runs: {', '.join(flows)}")
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise ValueError(
            f"it has {len(graph.input)} inputs and {len(graph.output)} outputs, expected one each"
        )
    weights = {one.name: one for one in graph.initializer}
    shapes = _shapes(model)
    alike: dict[str, str] = {}
    steps = []
    for node in graph.node:
        kept = _unchanged(node, weights, shapes)
        if kept is not None and node.output[0] != graph.output[0].name:
            alike[node.output[0]] = kept
            continue
        steps.append(_flattened(node, shapes))
    for node in steps:
        node.input[:] = [_followed(name, alike) for name in node.input]
    return _rebuilt(model, _in_order(steps, graph.output[0].name), weights)


def branches(node: Any) -> bool:
    """Whether a step holds graphs of its own, as ``If`` and ``Loop`` do."""
    graphs = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    return any(attribute.type in graphs for attribute in node.attribute)


def _known(node: Any) -> bool:
    return bool(onnx.defs.has(node.op_type, node.domain))


def _shapes(model: Any) -> dict[str, tuple[int | None, ...]]:
    """Shape of every tensor that ONNX can infer; None is the batch."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {one.name: shape_of(one) for one in (*graph.input, *graph.value_info, *graph.output)}


def shape_of(one: Any) -> tuple[int | None, ...]:
    """Shape of a described tensor; None where it is open."""
    dims = one.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)


def _unchanged(
    node: Any, weights: dict[str, Any], shapes: dict[str, tuple[int | None, ...]]
) -> str | None:
    """What goes into an addition of one zero, and comes out as it was."""
    if node.op_type != "Add" or node.input[1] not in weights:
        return None
    added = numpy_helper.to_array(weights[node.input[1]])
    same = shapes.get(node.input[0], ()) == shapes.get(node.output[0])
    return str(node.input[0]) if same and added.size == 1 and not added.any() else None


def _flattened(node: Any, shapes: dict[str, tuple[int | None, ...]]) -> Any:
    """``Flatten`` in place of a ``Squeeze`` or ``Reshape`` that does the same."""
    given, made = shapes.get(node.input[0], ()), shapes.get(node.output[0], ())
    rest = [side for side in given[1:] if side is not None]
    if (
        node.op_type in ("Squeeze", "Reshape")
        and len(made) == 2
        and len(rest) == len(given) - 1
        and made[1] == math.prod(rest)
    ):
        return onnx.helper.make_node(
            "Flatten", [node.input[0]], node.output, name=node.name, axis=1
        )
    return node


def _followed(name: str, alike: dict[str, str]) -> str:
    while name in alike:
        name = alike[name]
    return name


def _in_order(steps: list[Any], answer: str) -> list[Any]:
    """Every step that the answer needs, each behind those it reads; by the graph alone."""
    makers = {name: node for node in steps for name in node.output}
    ordered: dict[int, Any] = {}
    # A deep network would pass Python's limit on recursion.
    waiting = [makers[answer]]
    while waiting:
        node = waiting[-1]
        missing = [
            makers[name]
            for name in node.input
            if name in makers and id(makers[name]) not in ordered
        ]
        if missing:
            waiting += reversed(missing)
        else:
            ordered.setdefault(id(waiting.pop()), node)
    return list(ordered.values())


def _rebuilt(model: Any, steps: list[Any], weights: dict[str, Any]) -> Any:
    """Model of these steps, named by layer; weights by the first step that reads them."""
    (given,), (answer,) = model.graph.input, model.graph.output
    names = {given.name: GIVEN, answer.name: ANSWER, "": ""}
    seen: Counter[str] = Counter()
    kept: dict[str, Any] = {}
    for node in steps:
        node.name = _named(node, seen)
        for position, name in enumerate(node.input):
            if name in weights and name not in names:
                names[name] = f"{node.name}/{position}"
                kept[name] = weights[name]
        for position, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}:{position}")
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for name, weight in kept.items():
        weight.name = names[name]
    graph = onnx.helper.make_graph(
        steps,
        "edgefer",
        [_described(given, GIVEN, shape_of(given))],
        [_described(answer, ANSWER, (shape_of(given)[0], *shape_of(answer)[1:]))],
        list(kept.values()),
    )
    domains = {node.domain for node in steps}
    return onnx.helper.make_model(
        graph,
        opset_imports=[one for one in model.opset_import if one.domain in {"", *domains}],
        ir_version=model.ir_version,
        producer_name=model.producer_name,
        producer_version=model.producer_version.split()[0],
    )


def _described(one: Any, name: str, shape: tuple[int | None, ...]) -> Any:
    kind = one.type.tensor_type.elem_type
    return onnx.helper.make_tensor_value_info(
        name, kind, [BATCH if side is None else side for side in shape]
    )


def _named(node: Any, seen: Counter[str]) -> str:
    """``layer/operator`` where TensorFlow has ``network/layer/...``; numbered where it recurs."""
    parts = re.sub(r"__\d+", "", node.name).split("/")
    name = "/".join([*parts[1:2], node.op_type]) if len(parts) > 2 else node.op_type
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}_{seen[name]}"
