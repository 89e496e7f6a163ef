"""What an export found out about runtimes: which run its models rightly, and which do not."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from edgefer.bundle import Bundle
from edgefer.untrusted import parse, shown, understood

ROLE = "runtimes"  # of the bundle's file
# What a person calls each backend that edgefer brings.
SHOWN = {
    "litert": "LiteRT",
    "builtin": "LiteRT without delegates",
    "tflite-runtime": "tflite-runtime",
}
_VERDICTS = {True: "right on", False: "wrong on", None: "not tried on"}


@dataclass(frozen=True)
class Trial:
    """How one model fared on one runtime.

    Attributes
    ----------
    version : str
        The runtime's; empty where it is not known.
    passed : bool, optional
        None means that it was not tried.
    faces : int
        How many it was asked about.
    agreement : float, optional
        Share of them on which it names the emotion that the same model names elsewhere.
    largest : float, optional
        Largest difference of a probability from there.
    float_agreement : float, optional
        Share of them on which it names the emotion that the float model names on LiteRT.
    accuracy : float, optional
        Share of them that it named rightly, where their emotions are known.
    reason : str
        Why it failed or was not tried.
    """

    version: str
    passed: bool | None
    faces: int = 0
    agreement: float | None = None
    largest: float | None = None
    float_agreement: float | None = None
    accuracy: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise TypeError(f"{name} {value!r}")

    def to_json(self) -> dict[str, Any]:
        """Everything that is known, ready for JSON."""
        always = ("version", "passed", "faces")
        return {
            name: value
            for name, value in asdict(self).items()
            if name in always or value not in (None, "")
        }


_NONE = type(None)
_SHARE = (float, int, _NONE)
_KINDS: dict[str, tuple[type, ...]] = {
    "version": (str,),
    "passed": (bool, _NONE),
    "faces": (int,),
    **dict.fromkeys(("agreement", "largest", "float_agreement", "accuracy"), _SHARE),
    "reason": (str,),
}


@dataclass(frozen=True)
class Runtimes:
    """Trials of a bundle's models.

    Attributes
    ----------
    trials : mapping of str to mapping of str to Trial
        By the model's role, then by the name of the backend.
    """

    trials: Mapping[str, Mapping[str, Trial]]

    @classmethod
    def load(cls, bundle: Bundle) -> "Runtimes":
        """What a bundle says; nothing was tried where it says nothing.

        Raises
        ------
        BundleError
            If the file is garbled.
        """
        if ROLE not in bundle.files:
            return cls({})
        names = {field.name for field in fields(Trial)}
        where = bundle.folder / bundle.files[ROLE]
        with understood(where, "Get it again."):
            about = parse(where, bundle.read(ROLE))
            return cls(
                {
                    role: {
                        # What a later edgefer adds is passed over.
                        runtime: Trial(**{k: v for k, v in trial.items() if k in names})
                        for runtime, trial in tried.items()
                    }
                    for role, tried in about.items()
                }
            )

    def failed(self, role: str, runtime: str) -> Trial | None:
        """The trial that a model failed on a runtime; None if it passed or was not tried."""
        trial = self.trials.get(role, {}).get(runtime)
        return trial if trial is not None and trial.passed is False else None

    def passed(self, role: str) -> list[str]:
        """Backends on which a model passed."""
        return [name for name, trial in self.trials.get(role, {}).items() if trial.passed]

    def told(self, role: str) -> str:
        """Where a model computes rightly, where not, and where it was not tried, in words."""
        said: dict[str, list[str]] = {}
        for name, trial in self.trials.get(role, {}).items():
            words = f"{SHOWN.get(name, shown(name))} {shown(trial.version)}".strip()
            words += f" ({shown(trial.reason)})" if trial.reason else ""
            said.setdefault(_VERDICTS[trial.passed], []).append(words)
        parts = [f"{kind} {', '.join(said[kind])}" for kind in _VERDICTS.values() if kind in said]
        return "; ".join(parts)

    def to_json(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Everything, ready for JSON."""
        return {
            role: {runtime: trial.to_json() for runtime, trial in tried.items()}
            for role, tried in self.trials.items()
        }

    def save(self, path: Path) -> Path:
        """Write the JSON."""
        path.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        return path
