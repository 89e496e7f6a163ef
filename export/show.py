"""Tell what an export wrote."""

from collections.abc import Iterator, Mapping
from typing import Any

from edgefer.bundle import Bundle
from edgefer.runtimes import Runtimes

from .gate import FEW

ROLES = ("float", "int8")


def export_table(bundle: Bundle) -> str:
    """Sizes, work, operators, runtimes and the first check of each model, as text.

    Parameters
    ----------
    bundle : Bundle
        The last step of its history is the export.
    """
    return "\n".join(_lines(bundle, bundle.history[-1].scores))


def _lines(bundle: Bundle, scores: Mapping[str, Any]) -> Iterator[str]:
    columns = ("bytes", "gzipped", "parameters", "MACs a face")
    yield f"{'':8}" + "".join(f"{title:>14}" for title in columns)
    for role in ROLES:
        if role in scores:
            row = (scores[role][key] for key in ("bytes", "gzipped", "parameters", "macs"))
            yield f"{role:8}" + "".join(f"{value:>14,}" for value in row)
    for role in ROLES:
        if role in scores:
            yield f"{role}: {_operators(scores[role])}"
    for role in ("onnx", "onnx_int8"):
        if role in scores:
            yield f"{bundle.files[role]}: {_onnx(scores[role])}"
    yield from _reshaped(scores)
    yield from _quantized(scores)
    if "int8" in scores:
        yield _sureness(scores)
    tried = Runtimes.load(bundle)
    for role in tried.trials:
        yield f"{role} is {tried.told(role)}"
    if "int8" in scores:
        yield f"{bundle.folder}: what it costs each emotion: edgefer compare {bundle.typed} FACESET"
    else:
        yield f"{bundle.folder}: float only; int8 needs --int8 --calib DIR"


def _sureness(scores: Mapping[str, Any]) -> str:
    """How far confidence is to be believed."""
    if "int8" not in scores.get("confidence", {}):
        return "int8: nothing tells how sure it may be; a labelled val split does: --faces FACESET"
    found = scores["confidence"]["int8"]
    before, after = found["error"]
    return (
        f"int8: temperature {found['temperature']:.2f}; its confidence is off by {before:.1%} on "
        f"{found['faces']:,} faces, by {after:.1%} once rescaled, as edgefer run does"
    )


def _operators(found: Mapping[str, Any]) -> str:
    steps = ", ".join(
        f"{step['count']} {step['name']} v{step['version']}" for step in found["operators"]
    )
    return f"{', '.join(found['dtypes'])}; {steps}"


def _onnx(found: Mapping[str, Any]) -> str:
    check = found["check"]
    told = f"ONNX Runtime agrees on {check['agreement']:.1%} of {check['faces']} faces"
    if "gate" in found:
        told += f"; {_passed(found['gate'])}"
    return f"{told}; on the Jetson: {found['trtexec']}" if "trtexec" in found else told


def _passed(judged: Mapping[str, Any]) -> str:
    """What a gate showed, and what it could not."""
    points = f"{100 * judged['limit']:g} point{'' if judged['limit'] == 0.01 else 's'}"
    told = f"no drop shown above {points} on {judged['overall']['support']:,} faces"
    rows = [judged["overall"], *judged["rows"]]
    few = [row["emotion"] for row in rows if row["verdict"] == FEW]
    if "overall" in few:
        return f"{told}, and none ruled out: that is too few faces to tell {', '.join(few)}"
    return f"{told}; too few to tell {', '.join(few)}" if few else told


def _reshaped(scores: Mapping[str, Any]) -> Iterator[str]:
    if "thinner" in scores:
        found = scores["thinner"]
        before, after = found["macs"]
        widths = ", ".join(f"{name} {a} to {b}" for name, (a, b) in found["widths"].items())
        told = f"thinner: {after / before:.0%} of the multiplications{_accuracy(found)}"
        if found["milliseconds"]:
            times = found["milliseconds"]
            told += f", {times['after'] / times['before']:.0%} of the time"
        yield f"{told}; {widths}"
    if "sparsity" in scores:
        found = scores["sparsity"]
        shares = [share for name, share in found["layers"].items() if name not in found["left_out"]]
        told = f"sparse: {min(shares):.1%} to {max(shares):.1%} zeros in {len(shares)} layers"
        if found["left_out"]:
            told += f"; 2:4 does not fit {', '.join(found['left_out'])}"
        yield f"{told}{_accuracy(found)}"
    if "clusters" in scores:
        found = scores["clusters"]
        counts = found["layers"].values()
        yield f"clustered: at most {max(counts)} weights in {len(counts)} layers{_accuracy(found)}"


def _accuracy(found: Mapping[str, Any]) -> str:
    if "before" not in found:
        return ""
    before, after = found["before"]["accuracy"], found["after"]["accuracy"]
    return f"; val accuracy {before:.1%} before, {after:.1%} after"


def _quantized(scores: Mapping[str, Any]) -> Iterator[str]:
    made = scores.get("gate") or scores.get("rung")
    if made and (made["rung"] != "int8" or "gate" in scores):
        told = f"int8 was made as {made['rung']}"
        if made["kept"]:
            told += f", {', '.join(made['kept'])} left in float"
        if "gate" in scores:
            told += f": {_passed(made['tried'][-1])}"
        yield told
    if "int8" in scores:
        check = scores["check"]["int8"]
        yield (
            f"int8 against float on {check['faces']} calibration faces: the same emotion on "
            f"{check['agreement']:.1%}, probabilities apart {check['mean']:.4f} (at most "
            f"{check['largest']:.4f})"
        )
