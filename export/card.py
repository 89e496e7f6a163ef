"""What an export adds to a bundle's model card."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .reshape import CHANGES

_TITLE = "## For a device"


def add_section(card: Path, name: str, scores: Mapping[str, Any], out: Path) -> Path:
    """Write a model card with a section about the models that an export made.

    Parameters
    ----------
    card : Path
        The card as it was; a section of an earlier export is left out.
    name : str
        The new bundle's, for the title.
    scores : mapping
        Those of the export's step.
    out : Path
        The new file.
    """
    text = re.sub(rf"\n{_TITLE}\n.*?(?=\n## |\Z)", "", card.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"\A# Model card: .*", lambda _: f"# Model card: {name}", text)
    lines = [_TITLE, "", "| model | bytes | parameters | MACs a face |", "|---|---:|---:|---:|"]
    for role in ("float", "int8"):
        if role in scores:
            row = (f"{scores[role][key]:,}" for key in ("bytes", "parameters", "macs"))
            lines.append(f"| `{role}.tflite` | {' | '.join(row)} |")
    if CHANGES & set(scores):
        lines += ["", "The network was changed since: the scores above are those before."]
    made = scores.get("gate") or scores.get("rung") or {}
    if made.get("kept"):
        lines += ["", f"int8 leaves {', '.join(made['kept'])} in float."]
    if "gate" in scores:
        lines += [
            "",
            f"int8 was made as {made['rung']}, the first way to lose no more than "
            f"{100 * made['limit']:g} points in any emotion on {made['faces']:,} faces, or too few "
            "faces to tell.",
        ]
    if "int8" in scores:
        check = scores["check"]["int8"]
        lines += [
            "",
            f"int8 and float name the same emotion on {check['agreement']:.1%} of "
            f"{check['faces']} calibration faces.",
        ]
    out.write_text(f"{text.rstrip()}\n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return out
