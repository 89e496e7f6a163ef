"""What was found, in words and tables: for the terminal and for the page."""

import json
from collections.abc import Sequence

from edgefer.report.words import named, percent

from .explanation import Explanation, Look
from .surrogate import DRAWS, FOLDS, PEOPLE, Surrogate

METHOD = (
    "A multinomial logistic regression is fitted from the intensities of the action units to the "
    "labels, and another one to the network's answers. A weight is the change of an emotion's "
    "log-odds against the mean of all emotions when a unit is stronger by one standard deviation "
    "of these faces. Units move together, so it is a unit's share beside the others.",
    f"Intervals are by a bootstrap of {DRAWS} draws over people, or over faces where people are "
    "not known, and wide enough that all of a regression hold at once with 95 %. A unit speaks for "
    "an emotion where its whole interval is above 0, against it where all of it is below.",
    f"What the regressions answer is told by ones fitted to other people ({FOLDS} folds). "
    "Fidelity is how often the regression to the answers names the network's own answer.",
    "The network asked is the Keras one, in float32: what int8 changes is told by edgefer compare.",
    "Prototypes are those of the Facial Action Coding System, as far as their units were measured. "
    "Heat maps are Grad-CAM for the answer (Selvaraju et al. 2017), at the resolution of the "
    "network's last convolution.",
)


def headline(found: Explanation) -> str:
    """How far action units explain the network, in one sentence."""
    told = (
        f"Action units foretell {percent(found.fidelity.accuracy)} % of the network's answers, "
        f"guessing the most frequent one {percent(found.guess)} %"
    )
    if found.fidelity.accuracy <= found.guess:
        return f"{told}: here they explain nothing."
    return f"{told}."


def findings(found: Explanation) -> list[str]:
    """What else is to be said first."""
    network, units = found.network.accuracy, found.regression.accuracy
    said = [
        f"On {len(found.targets):,} faces the network names the label in {percent(network)} %, the "
        f"regression on action units, asked about people it has not seen, in {percent(units)} %."
    ]
    checks = {name: found.check(found.of_answers, i) for i, name in enumerate(found.labels.names)}
    whole = [name for name, check in checks.items() if check and not (check.contrary or check.open)]
    odd = [
        f"{name} ({', '.join(check.contrary)})"
        for name, check in checks.items()
        if check and check.contrary
    ]
    if whole:
        said.append(f"The whole prototype speaks for the network's answer: {', '.join(whole)}.")
    if odd:
        said.append(f"A unit of the prototype speaks against the answer: {', '.join(odd)}.")
    few = rare(found, found.of_answers)
    if few:
        said.append(
            f"Answered on fewer than {PEOPLE} people, and so not told apart: {', '.join(few)}."
        )
    return said


def rare(found: Explanation, surrogate: Surrogate) -> list[str]:
    """Emotions that a regression does not tell apart."""
    return [name for i, name in enumerate(found.labels.names) if i not in surrogate.classes]


def warnings(found: Explanation) -> list[str]:
    """What the reader should know before the rest."""
    said = [f"{count:,} {reason}" for reason, count in found.units.left_out.items()]
    if found.about.get("emotions_left_out"):
        said.append(f"the network does not know {', '.join(found.about['emotions_left_out'])}")
    if found.looks and found.looks[0].heat is None:
        said.append("no heat maps: this network has no convolutions of its own to look at")
    if found.units.constant:
        said.append(f"alike in all faces: {', '.join(found.units.constant)}")
    if found.about.get("trained_on"):
        said.append(
            f"{found.about['trained_on']:,} of these faces were in the network's training: what it "
            "answers there may be memory"
        )
    return said


def to_text(found: Explanation) -> str:
    """Headline, findings, and a table of the units that speak for and against each emotion."""
    lines = [f"{found.bundle} on {found.faceset}: what its answers rest on", ""]
    for title, surrogate in (
        ("the network's answers", found.of_answers),
        ("the labels", found.of_labels),
    ):
        lines.append(f"{title:24}{'units for':27}{'units against':27}prototype")
        lines += [_row(found, surrogate, row) for row in range(len(surrogate.classes))]
        lines.append("")
    lines.append(f"{'% recognized':24}{'faces':>8}{'network':>10}{'units':>10}{'same answer':>14}")
    scores = zip(found.network.recall, found.regression.recall, found.fidelity.recall, strict=True)
    for i, (network, units, same) in enumerate(scores):
        faces = int(found.network.confusion[i].sum())
        name = named(found.labels.names[i], found.labels.korean[i])
        wide = 24 - sum(ord(sign) > 0x1100 for sign in name)
        cells = [percent(network) if faces else "-", percent(units) if faces else "-"]
        cells.append(percent(same) if found.fidelity.confusion[i].any() else "-")
        lines.append(f"{name:{wide}}{faces:8,}{cells[0]:>10}{cells[1]:>10}{cells[2]:>14}")
    accuracies = (found.network.accuracy, found.regression.accuracy, found.fidelity.accuracy)
    network, units, same = map(percent, accuracies)
    lines.append(f"{'all':24}{len(found.targets):8,}{network:>10}{units:>10}{same:>14}")
    lines += ["", headline(found), *findings(found), ""]
    for look in found.asked:
        lines += [asked(look), ""]
    lines += [f"note: {line}" for line in warnings(found)]
    return "\n".join(lines).rstrip()


def asked(look: Look) -> str:
    """One face: its answer and the units that move it most."""
    chance = percent(look.probability)
    text = f"{look.name}, labeled {look.label}: {look.answer} ({chance} %)"
    if not look.parts:
        return f"{text}; no units of it, or too rare an answer, to explain it by"
    return f"{text}: {parts(look.parts)}"


def parts(found: Sequence[tuple[str, float, float]], most: int = 5) -> str:
    """``AU12 +2.1, AU04 -0.8``: what units add to the log-odds, the largest first."""
    return ", ".join(f"{unit} {added:+.1f}" for unit, _, added in found[:most])


def to_json(found: Explanation) -> str:
    """One JSON document."""
    return json.dumps(found.to_json(), ensure_ascii=False, indent=2, allow_nan=False)


def _row(found: Explanation, surrogate: Surrogate, row: int) -> str:
    emotion = surrogate.classes[row]
    names = found.units.names
    sides = [
        " ".join([names[i].removeprefix("AU") for i in side[:7]] + ["…"] * (len(side) > 7))
        for side in (surrogate.speaks_for(row), surrogate.speaks_against(row))
    ]
    check = found.check(surrogate, emotion) or "none known"
    return f"  {found.labels.names[emotion]:22}{sides[0]:27}{sides[1]:27}{check}"
