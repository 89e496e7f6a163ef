"""How faces are to be found and followed, before anything is opened for it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Wishes:
    """What is asked of a detector and of whoever follows what it finds.

    Attributes
    ----------
    detector : str
        What `edgefer.edge.detectors.open_detector` takes.
    detector_model : Path, optional
        The file of a detector that the user brings.
    cascade : str
        Which of `edgefer.detect.CASCADES`.
    every : int
        Pictures from one search of the whole picture to the next.
    min_face : int
        Side of the smallest face, in pixels.
    scale : float
        Step between the sizes of face that are tried, above 1.
    neighbors : int
        How many overlapping finds make a face.
    threads : int
        How many the detector may use.
    """

    detector: str = "haar"
    detector_model: Path | None = None
    cascade: str = "default"
    every: int = 10
    min_face: int = 60
    scale: float = 1.2
    neighbors: int = 4
    threads: int = 1

    def to_json(self) -> dict[str, Any]:
        """Everything but the threads, ready for JSON."""
        model = self.detector_model
        wished = asdict(self) | {"detector_model": str(model) if model else None}
        del wished["threads"]
        return wished


DEFAULT = Wishes()

# What each detector has no use for.
DEAF = {"haar": ("detector_model",), "yunet": ("scale", "neighbors", "cascade")}
