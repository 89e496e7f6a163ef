"""Made-up ways to export a network, for tests of what is said about them."""

import numpy as np

from edgefer.export.candidate import Candidate, Candidates
from edgefer.labels import Labels
from edgefer.report import Comparison

LABELS = Labels("three", ("happy", "sad", "fear"), ("기쁨", "슬픔", "공포"))
TARGETS = np.repeat([0, 1, 2], [1200, 600, 20])
# Every tenth face is one that float gets wrong.
FLOAT = np.where(np.arange(len(TARGETS)) % 10, TARGETS, (TARGETS + 1) % 3)


def candidate(name, ms, kb, lost=0, won=0, emotion=0, **rest) -> Candidate:
    """One that loses so many faces of an emotion and wins so many of any."""
    answers = FLOAT.copy()
    right = np.flatnonzero((FLOAT == TARGETS) & np.equal(TARGETS, emotion))[:lost]
    answers[right] = (TARGETS[right] + 1) % 3
    back = np.flatnonzero(FLOAT != TARGETS)[:won]
    answers[back] = TARGETS[back]
    compared = Comparison.of(LABELS, TARGETS, FLOAT, answers, bundle="", faceset="")
    return Candidate(
        name, kb * 1100, kb * 1000, 38_400_000, ms, compared.overall, compared.drops, **rest
    )


def candidates(*others, **about) -> Candidates:
    """These, beside a float model of 1.6 ms and 4,000 kB."""
    first = candidate("float", 1.6, 4000)
    return Candidates("toy", "faces", "val", LABELS, (first, *others), about)
