"""Find labels that look wrong: confident learning on what a network makes of the faces."""

import warnings
from typing import Any

import numpy as np

from edgefer.bundle import Bundle
from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.keras import keras, load_model, probabilities
from edgefer.labels import translate
from edgefer.progress import say

from ..split import people_groups
from .findings import LOOK, Finding


def find_suspects(faces: FaceSet, probability: np.ndarray) -> list[Finding]:
    """Faces whose label the answers contradict more than chance and weak answers explain.

    Confident learning (Northcutt, Jiang and Chuang 2021) estimates from all answers how many labels
    of each emotion are wrong; so many, the least believed, are suspects. Measured on the 3,589
    faces of FER2013's PublicTest with the packaged bundle's answers: of the suspects 87 % bear
    another label than FERPlus's annotators chose, of all faces 35 %.

    Parameters
    ----------
    faces : FaceSet
    probability : ndarray of float, shape (N, K)
        Answers of something that has not learned these labels.

    Returns
    -------
    list of Finding
        None is suggested to be dropped: an unusual face is no wrong one.
    """
    from cleanlab.filter import find_label_issues

    present = np.unique(faces.targets)
    if len(present) < 2:
        return []
    answers = probability[:, present]
    answers = answers / np.maximum(answers.sum(axis=1, keepdims=True), 1e-9)
    targets = np.searchsorted(present, faces.targets)
    issues = find_label_issues(
        targets,
        answers,
        return_indices_ranked_by="self_confidence",
        filter_by="low_self_confidence",
        n_jobs=1,
    )
    found = []
    for face in issues.tolist():
        label, answer = targets[face], int(answers[face].argmax())
        looks = faces.labels.names[present[answer]]
        believed = float(answers[face, label])
        if answer == label:
            continue
        reason = f"looks {looks} ({answers[face, answer]:.0%}), its label has {believed:.0%}"
        found.append(Finding("suspect", face, 1 - believed, LOOK, reason))
    return found


def bundle_answers(bundle: Bundle, faces: FaceSet) -> np.ndarray:
    """Answers of a bundle in the face set's labels, float32 (N, K); it must know all of them.

    Raises
    ------
    DataError
        If the patches differ in size, or the bundle lacks an emotion.
    """
    model = _model(bundle, faces)
    meaning = translate(faces.labels, bundle.labels)
    present = set(faces.targets.tolist())
    if missing := [faces.labels.names[k] for k in sorted(present - set(meaning))]:
        raise DataError(
            f"{bundle.folder} does not know {', '.join(missing)}: it cannot judge their labels. "
            "Judge with its features: --folds 5."
        )
    answers = _in_steps(model, faces)
    found = np.zeros((len(faces), len(faces.labels)), np.float32)
    for own, there in meaning.items():
        found[:, own] = answers[:, there]
    return found


def fold_answers(bundle: Bundle, faces: FaceSet, folds: int) -> np.ndarray:
    """Answers to each face by a regression that learned from the other folds, float64 (N, K).

    It reads the bundle's features, so it takes seconds to minutes where a network would take hours.
    Folds are disjoint by people and equal pictures.

    Raises
    ------
    DataError
        If the patches differ in size, or an emotion has fewer faces than there are folds.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline

    model = _model(bundle, faces)
    groups = people_groups(faces)
    counts = np.bincount(faces.targets, minlength=len(faces.labels))
    fewest = int(np.where(counts > 0, counts, len(faces) + 1).argmin())
    if counts[fewest] < folds or groups.max() + 1 < folds:
        raise DataError(
            f"{faces.folder} has {counts[fewest]} faces of {faces.labels.names[fewest]} and "
            f"{groups.max() + 1} people: too few for {folds} folds. Try --folds 2."
        )
    features = _in_steps(keras.Model(model.input, model.layers[-2].output), faces)
    found = np.zeros((len(faces), len(faces.labels)))
    parts = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    for train, test in parts.split(features, faces.targets, groups):
        # 64 whitened directions: as good as all 256 on FER2013, and three times as fast.
        directions = min(64, features.shape[1], len(train))
        fit = make_pipeline(
            PCA(directions, whiten=True, random_state=0), LogisticRegression(C=0.1, max_iter=300)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # features that never vary, a fit that stops early
            fit.fit(features[train], faces.targets[train])
        found[np.ix_(test, fit.classes_)] = fit.predict_proba(features[test])
    return found


def _model(bundle: Bundle, faces: FaceSet) -> Any:
    """The bundle's network, after a word if it learned from these faces."""
    if bundle.size != faces.size:
        raise DataError(
            f"{bundle.folder} takes patches of {bundle.size} pixels, those of {faces.folder} have "
            f"{faces.size}. Name another one with --bundle."
        )
    learned = {
        digest
        for step in bundle.history
        if step.stage.startswith("train")
        for digest in step.facesets.values()
    }
    if faces.digest in learned:
        say(
            f"{bundle.folder.name} learned from {faces.folder}: labels of its split train that it "
            "knows by heart, right or wrong, are not suspected"
        )
    return load_model(bundle.path("keras"))


def _in_steps(model: Any, faces: FaceSet, step: int = 4096) -> np.ndarray:
    positions = np.arange(len(faces))
    return np.concatenate(
        [
            probabilities(model, faces.take(positions[i : i + step]))
            for i in range(0, len(faces), step)
        ]
    )
