"""Tell what an export wrote."""

from collections.abc import Mapping
from typing import Any

from edgefer.bundle import Bundle


def export_table(bundle: Bundle) -> str:
    """Sizes, work, operators and the first check of each model, as text.

    Parameters
    ----------
    bundle : Bundle
        The last step of its history is the export.
    """
    scores = bundle.history[-1].scores
    columns = ("bytes", "gzipped", "parameters", "MACs a face")
    lines = [f"{'':8}" + "".join(f"{title:>14}" for title in columns)]
    for role in ("float", "int8"):
        if role in scores:
            row = (scores[role][key] for key in ("bytes", "gzipped", "parameters", "macs"))
            lines.append(f"{role:8}" + "".join(f"{value:>14,}" for value in row))
    for role in ("float", "int8"):
        if role in scores:
            lines.append(f"{role}: {_operators(scores[role])}")
    if "pruning" in scores:
        lines.append(_pruning(scores["pruning"]))
    if "int8" in scores:
        check = scores["check"]["int8"]
        lines.append(
            f"int8 against float on {check['faces']} calibration faces: the same emotion on "
            f"{check['agreement']:.1%}, probabilities apart {check['mean']:.4f} (at most "
            f"{check['largest']:.4f})"
        )
    if "int8" in scores:
        lines.append(
            f"{bundle.folder}: what it costs each emotion: edgefer compare {bundle.typed} FACESET"
        )
    else:
        lines.append(f"{bundle.folder}: float only; int8 needs --int8 --calib DIR")
    return "\n".join(lines)


def _operators(found: Mapping[str, Any]) -> str:
    steps = ", ".join(
        f"{step['count']} {step['name']} v{step['version']}" for step in found["operators"]
    )
    return f"{', '.join(found['dtypes'])}; {steps}"


def _pruning(found: Mapping[str, Any]) -> str:
    shares = found["sparsity"].values()
    text = f"pruned: {min(shares):.1%} to {max(shares):.1%} zeros in {len(shares)} layers"
    if "before" in found:
        before, after = found["before"]["accuracy"], found["after"]["accuracy"]
        text += f"; val accuracy {before:.1%} before, {after:.1%} after"
    return text
