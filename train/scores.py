"""Show what a training reached."""

from collections.abc import Mapping
from typing import Any

import click

from edgefer.bundle import Bundle
from edgefer.labels import Labels


def show_scores(bundle: Bundle | None) -> None:
    """Print what a training reached, where it was written."""
    if bundle is None:
        return
    scores, said = bundle.history[-1].scores, str(bundle.folder)
    if "best_epoch" in scores:
        said += f": epoch {scores['best_epoch']} of {scores['epochs']}, chosen on val; "
        said += f"curves in {bundle.folder / bundle.files['curves']}"
    click.echo(f"{score_table(bundle.labels, scores)}\n{said}")


def score_table(labels: Labels, scores: Mapping[str, Any]) -> str:
    """Recall of each emotion and accuracy, per split, in percent; before and after a transfer.

    Parameters
    ----------
    labels : Labels
        What the scores count in.
    scores : mapping
        Those of a training's step.
    """
    columns = {name: value for name, value in scores.items() if "recall" in _dict(value)}
    before = _dict(scores.get("before"))
    shown = {}
    for name, value in columns.items():
        if name in before:
            shown[f"{name}, before"] = before[name]
        shown[name] = value
    lines = ["  ".join([f"{'% recognized':14}", *(f"{title:>14}" for title in shown)])]
    for i, emotion in enumerate(labels.names):
        cells = [_percent(_recall(value, i, emotion)) for value in shown.values()]
        lines.append("  ".join([f"{emotion:14}", *cells]))
    if before:
        both = {emotion for value in before.values() for emotion in value["recall"]}
        known = [i for i, emotion in enumerate(labels.names) if emotion in both]
        cells = [_percent(_over(value, known)) for value in shown.values()]
        lines.append("  ".join([f"{'all of these':14}", *cells]))
    cells = [_percent(_over(value)) for value in shown.values()]
    lines.append("  ".join([f"{'all':14}", *cells]))
    if before:
        lines.append(f"all of these: {', '.join(sorted(both))}, which the base knew too")
        lines += _worse(before, columns, known)
    lines += _old(_dict(scores.get("old before")), _dict(scores.get("old after")))
    lines += _members(_dict(scores.get("members")))
    return "\n".join(lines)


def _worse(before: dict[str, Any], after: dict[str, Any], known: list[int]) -> list[str]:
    """A warning where a transfer reads what the base knew worse than the base did."""
    if "val" not in before or "val" not in after:
        return []
    then, now = before["val"]["accuracy"], _over(after["val"], known)
    if now is None or now >= then:
        return []
    return [f"val fell from {100 * then:.1f} to {100 * now:.1f}: on these the base is better"]


def _old(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What a transfer cost on faces of the base's kind, on the emotions that both know."""
    if not before:
        return []
    columns = [
        (f"{split}, {when}", value[split])
        for split in before
        for when, value in (("before", before), ("after", after))
    ]
    emotions = list(dict.fromkeys(name for _, value in columns for name in value["recall"]))
    rows = [
        (emotion, [value["recall"].get(emotion) for _, value in columns]) for emotion in emotions
    ]
    rows.append(("all of these", [value["accuracy"] for _, value in columns]))
    titles = [f"{title or 'no split':>14}" for title, _ in columns]
    return [
        "  ".join([f"{'% of the old':14}", *titles]),
        *("  ".join([f"{name:14}", *map(_percent, cells)]) for name, cells in rows),
    ]


def _members(members: dict[str, Any]) -> list[str]:
    """Weight and accuracy of each network of an ensemble."""
    return [
        f"{name}: weight {value['weight']:.2f}, "
        + ", ".join(
            f"{split} {100 * share:.1f}" for split, share in value.items() if split != "weight"
        )
        for name, value in members.items()
    ]


def _recall(value: dict[str, Any], i: int, emotion: str) -> float | None:
    """Share of an emotion that was recognized; None where no face shows it."""
    if "confusion" in value and not sum(value["confusion"][i]):
        return None
    share: float | None = value["recall"].get(emotion)
    return share


def _over(value: dict[str, Any], emotions: list[int] | None = None) -> float | None:
    """Accuracy over some emotions, or over all; of a base over those it knows."""
    if "confusion" not in value:
        share: float = value["accuracy"]
        return None if emotions is None else share
    table = value["confusion"]
    chosen = range(len(table)) if emotions is None else emotions
    faces = sum(sum(table[i]) for i in chosen)
    return sum(table[i][i] for i in chosen) / faces if faces else None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _percent(share: float | None) -> str:
    return f"{'-':>14}" if share is None else f"{100 * share:14.1f}"
