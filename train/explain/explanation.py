"""Explain a network's answers: by the action units of the faces, and by where it looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from edgefer.bundle import Bundle, versions
from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.keras import load_model
from edgefer.labels import Labels
from edgefer.progress import say
from edgefer.report import Score
from edgefer.seen import Seen

from ..fit import chances
from .heat import heat_maps
from .prototypes import Check, check_prototype
from .surrogate import Surrogate, fit_surrogate
from .units import Units

PACKAGES = ("tensorflow", "tf-keras", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Look:
    """One face with its answer, and where the network looked for it.

    Attributes
    ----------
    name : str
        The face's id.
    label, answer : str
        Emotions.
    probability : float
        That the network gives its answer.
    patch : ndarray of uint8, shape (S, S)
    heat : ndarray of float32, shape (S, S), or None
        0 to 1; None for networks that have no maps.
    parts : tuple of (str, float, float)
        Unit, its intensity, and what it adds to the log-odds of the answer; the largest first.
        Empty where the face has no units or the answer is too rare for the regression.
    """

    name: str
    label: str
    answer: str
    probability: float
    patch: np.ndarray
    heat: np.ndarray | None
    parts: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Explanation:
    """What action units tell of labels and of a network's answers.

    Attributes
    ----------
    bundle, faceset : str
        Whose answers, to which faces.
    labels : Labels
        The bundle's.
    units : Units
        Of the faces that were judged.
    targets, answers : ndarray of int64, shape (N,)
        Labels of these faces, and what the network answers.
    of_labels, of_answers : Surrogate
        Regressions from the units to either.
    looks : tuple of Look
        A few faces of each emotion, the surest first.
    asked : tuple of Look
        Faces that were asked for.
    about : mapping
        Digests, split, command, versions.
    """

    bundle: str
    faceset: str
    labels: Labels
    units: Units
    targets: np.ndarray
    answers: np.ndarray
    of_labels: Surrogate
    of_answers: Surrogate
    looks: tuple[Look, ...]
    asked: tuple[Look, ...]
    about: Mapping[str, Any]

    @cached_property
    def network(self) -> Score:
        """The network against the labels."""
        return Score.of(self.labels, self.targets, self.answers)

    @cached_property
    def regression(self) -> Score:
        """The regression on action units against the labels, on people it was not fitted to."""
        return Score.of(self.labels, self.targets, self.of_labels.answers)

    @cached_property
    def fidelity(self) -> Score:
        """The regression to the answers against the network: its accuracy is the fidelity."""
        return Score.of(self.labels, self.answers, self.of_answers.answers)

    @property
    def guess(self) -> float:
        """Fidelity of always naming the network's most frequent answer."""
        return float(np.bincount(self.answers).max() / len(self.answers))

    def check(self, surrogate: Surrogate, emotion: int) -> Check | None:
        """The emotion's prototype against a regression; None if it has none, or too few faces."""
        if emotion not in surrogate.classes:
            return None
        row, names = surrogate.classes.index(emotion), self.units.names
        return check_prototype(
            self.labels.names[emotion],
            names,
            [names[i] for i in surrogate.speaks_for(row)],
            [names[i] for i in surrogate.speaks_against(row)],
        )

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, ready for JSON."""
        return {
            "bundle": self.bundle,
            "faceset": self.faceset,
            "labels": list(self.labels.names),
            "faces": len(self.targets),
            "units": {"names": list(self.units.names), "source": self.units.source},
            "left_out": dict(self.units.left_out),
            "fidelity": {"accuracy": self.fidelity.accuracy, "guess": self.guess}
            | {"per_answer": dict(zip(self.labels.names, self.fidelity.recall, strict=True))},
            "network": self.network.to_json(),
            "action_units": self.regression.to_json(),
            "for_labels": self._told(self.of_labels),
            "for_answers": self._told(self.of_answers),
            "faces_asked": [
                {
                    "id": look.name,
                    "label": look.label,
                    "answer": look.answer,
                    "probability": look.probability,
                    "parts": [
                        {"unit": unit, "intensity": value, "log_odds": part}
                        for unit, value, part in look.parts
                    ],
                }
                for look in self.asked
            ],
            "about": dict(self.about),
        }

    def _told(self, surrogate: Surrogate) -> dict[str, Any]:
        told = {}
        for row, emotion in enumerate(surrogate.classes):
            check = self.check(surrogate, emotion)
            ends = zip(
                self.units.names,
                surrogate.weights[row].tolist(),
                surrogate.low[row].tolist(),
                surrogate.high[row].tolist(),
                strict=True,
            )
            told[self.labels.names[emotion]] = {
                "weights": {n: {"weight": w, "low": a, "high": b} for n, w, a, b in ends},
                "for": [self.units.names[i] for i in surrogate.speaks_for(row)],
                "against": [self.units.names[i] for i in surrogate.speaks_against(row)],
                "prototype": check and vars(check),
            }
        return told


def explain(
    bundle: Bundle,
    faces: FaceSet,
    units: Units,
    *,
    looks: int = 4,
    asked: Sequence[str] = (),
    seed: int = 0,
    about: Mapping[str, Any] | None = None,
) -> Explanation:
    """Ask a network about faces, and action units about labels and answers.

    Parameters
    ----------
    bundle : Bundle
        With its Keras model.
    faces : FaceSet
        Under the bundle's labels; best none that the network was trained on.
    units : Units
        Of the whole face set.
    looks : int
        Faces of each emotion to show with a heat map.
    asked : sequence of str
        Ids of more faces to explain.
    seed : int
        Of the bootstrap.
    about : mapping, optional
        What else is to be known of it: split, command.

    Raises
    ------
    DataError
        If patches have another size than the network takes, a face that was asked for is not there,
        or there are too few faces of two emotions.
    """
    if faces.size != bundle.size:
        raise DataError(
            f"{faces.folder} holds patches of {faces.size} pixels, {bundle.folder} takes "
            f"{bundle.size}. Import the faces again with --size {bundle.size}."
        )
    absent = [name for name in asked if name not in set(faces.ids)]
    if absent:
        raise DataError(
            f"{faces.folder} has no face {', '.join(absent)} among those judged. Its faces.csv has "
            "the ids; --split all judges them all."
        )
    faces.verify()
    units, model = units.only(faces), load_model(bundle.path("keras"))
    say(f"asking {bundle.name} about {len(faces):,} faces, {len(units.faces):,} with action units")
    sure = chances(model, faces)
    judged = faces.select(units.faces)
    answers = sure.argmax(axis=1)
    try:
        of_labels = fit_surrogate(units.values, judged.targets, judged.persons, seed=seed)
        of_answers = fit_surrogate(
            units.values,
            answers[units.faces],
            judged.persons,
            seed=seed,
            told="the network's answers",
        )
    except DataError as error:
        unused = (about or {}).get("split") == "all but train"
        reasons = [f"{count:,} {reason}" for reason, count in units.left_out.items()]
        less = f" Left out: {'; '.join(reasons)}." if reasons else ""
        more = " --split all judges the faces of the split train too." if unused else ""
        raise DataError(f"{error}{less}{more}") from error
    shown = _telling(faces, sure, looks)
    places = [*shown, *(int(np.flatnonzero(faces.ids == name)[0]) for name in asked)]
    seen = _look(model, faces, sure, units, of_answers, places)
    return Explanation(
        bundle.name,
        faces.folder.name,
        bundle.labels,
        units,
        judged.targets,
        answers[units.faces],
        of_labels,
        of_answers,
        tuple(seen[: len(shown)]),
        tuple(seen[len(shown) :]),
        {
            "bundle_digest": bundle.digest,
            "faceset_digest": faces.digest,
            "source": faces.source,
            "people": len(set(judged.persons) - {""}),
            "trained_on": _trained_on(bundle, judged),
            "versions": versions(*PACKAGES),
            **(about or {}),
        },
    )


def _trained_on(bundle: Bundle, faces: FaceSet) -> int:
    """How many of these faces the network has learned from, as far as its bundle tells."""
    seen = Seen.load(bundle)
    return 0 if seen is None else int(seen.has_faces(faces).sum())


def _telling(faces: FaceSet, sure: np.ndarray, count: int) -> list[int]:
    """Of each emotion the surest right answers, and the surest wrong one in the last place."""
    answers = sure.argmax(axis=1)
    chosen: list[int] = []
    for emotion in range(len(faces.labels)):
        own = np.flatnonzero(faces.targets == emotion)
        own = own[np.argsort(-sure.max(axis=1)[own], kind="stable")]
        right, wrong = own[answers[own] == emotion], own[answers[own] != emotion]
        failures = min(len(wrong), 1) if count > 1 else 0
        chosen += [*right[: count - failures].tolist(), *wrong[:failures].tolist()]
    return chosen


def _look(
    model: Any,
    faces: FaceSet,
    sure: np.ndarray,
    units: Units,
    surrogate: Surrogate,
    places: Sequence[int],
) -> list[Look]:
    """Faces at these positions with what explains their answers."""
    if not places:
        return []
    patches, answers = faces.take(np.array(places)), sure.argmax(axis=1)
    heats = heat_maps(model, patches, answers[list(places)])
    rows = {int(face): row for row, face in enumerate(units.faces)}
    found = []
    for i, place in enumerate(places):
        answer, parts = int(answers[place]), []
        if place in rows and answer in surrogate.classes:
            values = units.values[rows[place]]
            added = surrogate.parts(values, surrogate.classes.index(answer))
            parts = [
                (units.names[j], float(values[j]), float(added[j]))
                for j in np.argsort(-np.abs(added), kind="stable")
            ]
        found.append(
            Look(
                faces.ids[place],
                faces.labels.names[faces.targets[place]],
                faces.labels.names[answer],
                float(sure[place, answer]),
                patches[i],
                None if heats is None else heats[i],
                tuple(parts),
            )
        )
    return found
