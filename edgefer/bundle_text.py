"""Tell a person, or a machine, what a bundle or a TFLite file is."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from edgefer.bundle import Bundle
from edgefer.labels import Labels
from edgefer.metadata import About
from edgefer.preprocess import PREPROCESS
from edgefer.runtimes import ROLE as RUNTIMES
from edgefer.runtimes import Runtimes
from edgefer.signature import Signature
from edgefer.untrusted import shown


def bundle_text(bundle: Bundle, signed: str) -> str:
    """A bundle as lines for a person.

    Parameters
    ----------
    bundle : Bundle
        Whose files were compared with their hashes.
    signed : str
        By whom, in words.
    """
    lines = [f"{bundle.typed}: {_model(bundle.labels, bundle.size, PREPROCESS)}"]
    lines += [*_emotions(bundle.labels), "files"]
    for role, row in _files(bundle).items():
        lines.append(f"  {shown(role):12} {row['bytes']:>12,} bytes  {shown(row['file'])}")
    lines.append("history")
    for step in bundle.history:
        lines.append(f"  {shown(step.stage):15} {_scores(step.scores) or 'no scores'}")
    sources = [f"{part}: {text}" for step in bundle.history for part, text in step.sources.items()]
    if sources:
        lines.append("made from")
        lines += [f"  {shown(source, 400)}" for source in dict.fromkeys(sources)]
    if RUNTIMES in bundle.files:
        tried = Runtimes.load(bundle)
        lines += ["runtimes", *(f"  {shown(role)}: {tried.told(role)}" for role in tried.trials)]
    return "\n".join([*lines, f"digest {bundle.digest}", signed])


def bundle_json(bundle: Bundle, signature: Signature | None, *, checked: bool) -> dict[str, Any]:
    """The same, ready for JSON.

    Parameters
    ----------
    bundle : Bundle
    signature : Signature or None
    checked : bool
        Whether there was what is needed to check a signature.
    """
    return {
        "bundle": bundle.name,
        "folder": str(bundle.folder),
        "digest": bundle.digest,
        "labels": asdict(bundle.labels),
        "size": bundle.size,
        "preprocess": PREPROCESS,
        "files": _files(bundle),
        "history": [asdict(step) for step in bundle.history],
        "runtimes": Runtimes.load(bundle).to_json() if RUNTIMES in bundle.files else None,
        "signature": signature_json(signature),
        "signature_checked": checked,
    }


def signature_json(signature: Signature | None) -> dict[str, str] | None:
    """Whose signature, ready for JSON."""
    if signature is None:
        return None
    return {"fingerprint": signature.fingerprint, "key": signature.key.hex()}


def model_text(name: str, size: int, about: About) -> str:
    """What a TFLite file says of itself, as lines for a person.

    Parameters
    ----------
    name : str
        What to call it.
    size : int
        Bytes of the file.
    about : About
    """
    lines = [
        f"{name}: {about.role}, {size:,} bytes, "
        f"{_model(about.labels, about.size, about.preprocess)}",
        *_emotions(about.labels),
        f"calibrated on face set {about.calibration or 'none'}",
        f"exported from bundle {about.source}",
        f"by edgefer {about.edgefer}",
    ]
    return "\n".join(shown(line, 400) for line in lines)


def _model(labels: Labels, size: int, preprocess: str) -> str:
    return f"patches of {size}x{size} pixels ({preprocess}), labels {labels.name}"


def _emotions(labels: Labels) -> list[str]:
    wide = max(map(len, labels.names))
    pairs = zip(labels.names, labels.korean, strict=True)
    return [
        shown(f"  {i:3}  {name:{wide}}  {korean}", 600) for i, (name, korean) in enumerate(pairs)
    ]


def _files(bundle: Bundle) -> dict[str, dict[str, Any]]:
    return {
        role: {
            "file": name,
            "bytes": (bundle.folder / name).stat().st_size,
            "sha256": bundle.sums[name],
        }
        for role, name in bundle.files.items()
    }


def _scores(scores: Mapping[str, Any]) -> str:
    """What a step measured, without the single emotions."""
    said = []
    if "best_epoch" in scores and "epochs" in scores:
        said.append(f"epoch {scores['best_epoch']} of {scores['epochs']}")
    said += [f"{name} {value:.1%}" for name, value in _shares(scores, ())]
    return shown("; ".join(said), 400)


def _shares(scores: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Accuracies and agreements, however deep, by where they stand."""
    for name, value in scores.items():
        if isinstance(value, dict):
            yield from _shares(value, (*path, name))
        elif name in ("accuracy", "agreement") and isinstance(value, (int, float)):
            yield " ".join((*path, name)), value
