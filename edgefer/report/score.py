"""How often each emotion was taken for each other."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.labels import Labels


@dataclass(frozen=True)
class Score:
    """How often each emotion was taken for each other.

    Attributes
    ----------
    labels : Labels
        What rows and columns stand for.
    confusion : ndarray of int64, shape (K, K)
        Rows are the truth, columns the answer.
    """

    labels: Labels
    confusion: np.ndarray

    def __post_init__(self) -> None:
        expected = (len(self.labels), len(self.labels))
        if self.confusion.shape != expected or self.confusion.dtype != np.int64:
            raise ValueError(
                f"confusion is {self.confusion.dtype} {self.confusion.shape}, not int64 {expected}"
            )

    @classmethod
    def of(cls, labels: Labels, targets: np.ndarray, answers: np.ndarray) -> "Score":
        """Score of answers, int (N,), against the truth, int (N,)."""
        confusion = np.zeros((len(labels), len(labels)), np.int64)
        np.add.at(confusion, (targets, answers), 1)
        return cls(labels, confusion)

    @property
    def accuracy(self) -> float:
        """Share of all faces that were recognized."""
        return float(np.diag(self.confusion).sum() / max(self.confusion.sum(), 1))

    @property
    def recall(self) -> np.ndarray:
        """Share of each emotion that was recognized, shape (K,)."""
        return np.diag(self.confusion) / np.maximum(self.confusion.sum(axis=1), 1)

    @property
    def precision(self) -> np.ndarray:
        """Share of the answers naming an emotion that were right, shape (K,); 0 if never named."""
        return np.diag(self.confusion) / np.maximum(self.confusion.sum(axis=0), 1)

    def to_json(self) -> dict[str, Any]:
        """Accuracy, recall per emotion and the confusion matrix, ready for JSON."""
        return {
            "faces": int(self.confusion.sum()),
            "accuracy": self.accuracy,
            "recall": dict(zip(self.labels.names, self.recall.tolist(), strict=True)),
            "confusion": self.confusion.tolist(),
        }
