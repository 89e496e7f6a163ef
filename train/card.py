"""A model card: what a trained network is, what made it, what it reached, and its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgefer.bundle import Step
from edgefer.faceset import FaceSet
from edgefer.preprocess import PREPROCESS

from .recipe import TrainRecipe
from .scores import score_table

_LIMITS = """\
## Limits

* Nobody's inner state can be read off a face: it sorts pictures as the people who labeled those
  faces did.
* It is known to work on faces like those it was scored on, and on no others. What it reaches on
  yours: `edgefer compare BUNDLE FACESET`.
* Differences between ages, sexes, skin tones, glasses, beards and poses were not measured.
* The EU AI Act, Article 5(1)(f), forbids inferring emotions at work and in education, save for
  medical and safety reasons. Elsewhere other law may apply.
* The licences of all faces above may bind the weights too.
"""


def write_card(
    path: Path, name: str, faces: FaceSet, parameters: int, history: Sequence[Step]
) -> Path:
    """Write a model card after Mitchell et al., "Model Cards for Model Reporting", 2019.

    Parameters
    ----------
    path : Path
        The Markdown file to be.
    name : str
        The bundle's name.
    faces : FaceSet
        What it was trained and scored on.
    parameters : int
        Weights of the network.
    history : sequence of Step
        How it came to be; the last step is this training.

    Returns
    -------
    Path
        `path`.
    """
    step, labels = history[-1], faces.labels
    title = f"{labels.name}: {', '.join(labels.names)}"
    counts = faces.counts
    rows = {
        "Network": f"{_network(history)}, {parameters:,} parameters",
        "Input": f"the patch that edgefer cuts (`{PREPROCESS}`): uint8, {faces.size}x{faces.size}, "
        "grey, 0..255, not normalized",
        "Output": f"probabilities in the order of {title}",
        "Splits": ", ".join(
            f"{split or 'none'} {sum(each.values()):,}" for split, each in counts.items()
        ),
        "Versions": ", ".join(f"{package} {one}" for package, one in step.versions.items()),
    }
    text = [f"# Model card: {name}", "", "| | |", "|---|---|"]
    text += [f"| {key} | {_cell(value)} |" for key, value in rows.items()]
    text += ["", "## What made it", ""]
    text += [f"{i}. {_told(each)}" for i, each in enumerate(history, 1)]
    text += ["", "Every choice, score and digest is in `bundle.json`.", ""]
    text += ["## What it reaches", "", "```", score_table(labels, step.scores), "```", ""]
    if "best_epoch" in step.scores:
        text += [
            f"Epoch {step.scores['best_epoch']} of {step.scores['epochs']} was chosen on val: its "
            "scores there are a little too good.",
            "",
        ]
    path.write_text("\n".join([*text, _LIMITS]), encoding="utf-8")
    return path


def _network(history: Sequence[Step]) -> str:
    """Backbone of the last step that chose one; a transfer names none of its own."""
    for step in reversed(history):
        if step.stage == "train ensemble":
            return "an average of networks"
        if name := step.recipe.get("backbone"):
            sizes = [f"{k} {step.recipe[k]}" for k in ("width", "depth") if step.recipe.get(k)]
            return ", ".join([f"`{name}`", *sizes])
    return "a network"


def _told(step: Step) -> str:
    """A step, what in a training's recipe is not as usual, and the faces that it used."""
    usual: Mapping[str, Any] = asdict(TrainRecipe()) if step.stage.startswith("train") else {}
    chosen = [
        f"{name} {value}"
        for name, value in step.recipe.items()
        if name in usual and value != usual[name] and name not in ("backbone", "width", "depth")
    ]
    text = f"`{step.stage}`" + (f": {', '.join(chosen)}" if chosen else "")
    told = step.sources or dict.fromkeys(step.facesets, "source and licence were not written down")
    return "\n".join([text, *(f"   * {part}: {source}" for part, source in told.items())])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
