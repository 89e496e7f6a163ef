"""Show what a training reached."""

from typing import Any

from edgefer.bundle import Bundle


def score_table(bundle: Bundle) -> str:
    """Recall of each emotion and accuracy, per split, in percent; before and after a transfer.

    Parameters
    ----------
    bundle : Bundle
        The last step of its history is the training.
    """
    scores = bundle.history[-1].scores
    columns = {name: value for name, value in scores.items() if "recall" in _dict(value)}
    before = _dict(scores.get("before"))
    shown = {}
    for name, value in columns.items():
        if name in before:
            shown[f"{name}, before"] = before[name]
        shown[name] = value
    lines = ["  ".join([f"{'% recognized':14}", *(f"{title:>14}" for title in shown)])]
    for emotion in bundle.labels.names:
        cells = [_percent(value["recall"].get(emotion)) for value in shown.values()]
        lines.append("  ".join([f"{emotion:14}", *cells]))
    lines.append(
        "  ".join([f"{'all':14}", *(_percent(value["accuracy"]) for value in shown.values())])
    )
    if before:
        lines.append("before: the base on the emotions that both know; all is over those")
    lines.append(
        f"{bundle.folder}: epoch {scores['best_epoch']} of {scores['epochs']}, chosen on val; "
        f"curves in {bundle.folder / bundle.files['curves']}"
    )
    return "\n".join(lines)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _percent(share: float | None) -> str:
    return f"{'-':>14}" if share is None else f"{100 * share:14.1f}"
