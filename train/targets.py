"""What each face is to be answered with: label, votes and the answers of teachers."""

import numpy as np

from edgefer.faceset import FaceSet

from .recipe import TrainRecipe
from .together import Together


def soft_targets(
    faces: FaceSet | Together, recipe: TrainRecipe, *, taught: np.ndarray | None = None
) -> np.ndarray:
    """Mix what is known about each face, as the recipe says.

    The label, smoothed; where a face has votes, a share of what they make its label out to be; and
    of all that, a share of what teachers answer.

    Parameters
    ----------
    faces : FaceSet or Together
        The training split.
    recipe : TrainRecipe
        Its ``smoothing``, ``votes``, ``translate`` and ``taught``.
    taught : ndarray of float32, shape (N, K), optional
        Probabilities by the teachers.

    Returns
    -------
    ndarray of float32, shape (N, K)
        Rows sum to 1.
    """
    classes = len(faces.labels)
    targets = np.eye(classes) * (1 - recipe.smoothing) + recipe.smoothing / classes
    targets = targets[faces.targets]
    voted = faces.votes.any(axis=1)
    if recipe.votes and voted.any():
        votes = faces.votes[voted]
        if recipe.translate:
            told = labels_told_by(votes, faces.targets[voted], classes)
        else:
            told = votes / votes.sum(axis=1, keepdims=True)
        targets[voted] = (1 - recipe.votes) * targets[voted] + recipe.votes * told
    if taught is not None:
        targets = (1 - recipe.taught) * targets + recipe.taught * taught
    return np.asarray(targets, np.float32)


def labels_told_by(votes: np.ndarray, targets: np.ndarray, classes: int) -> np.ndarray:
    """How likely each label is for a face with these votes.

    Annotators and whoever gave the labels speak different dialects: those of FERPlus see neutral in
    twice as many faces as FER2013 does, and hardly any fear. Votes as they are teach a network that
    bias, and it costs points on the labels it is judged by. So a multinomial logistic regression of
    the labels on the logarithms of the vote shares translates first.

    Parameters
    ----------
    votes : ndarray of int64, shape (N, K)
        None of the rows all zero.
    targets : ndarray of int64, shape (N,)
        The labels.
    classes : int
        K.

    Returns
    -------
    ndarray of float64, shape (N, K)
        Rows sum to 1.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    told = np.zeros((len(votes), classes))
    known = np.unique(targets)
    if len(known) < 2:
        told[:, known] = 1
        return told
    # Half a vote of FERPlus's ten for each label: a logarithm needs more than none.
    shares = np.log(votes / votes.sum(axis=1, keepdims=True) + 0.05)
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    told[:, known] = regression.fit(shares, targets).predict_proba(shares)
    return told
