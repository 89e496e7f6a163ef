"""How faces are to be found and followed, before anything is opened for it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .track import Follower


@dataclass(frozen=True)
class Following:
    """What is wished for; called with a number of threads it opens a `Follower`.

    Attributes
    ----------
    detector : str
        What `edgefer.edge.detectors.open_detector` takes.
    every : int
        Pictures from one search of the whole picture to the next.
    min_face, scale, neighbors, cascade, detector_model
        As ``min_size``, ``scale``, ``neighbors``, ``cascade`` and ``model`` of
        `edgefer.edge.detectors.Wishes`.
    """

    detector: str = "haar"
    every: int = 10
    min_face: int = 60
    scale: float = 1.2
    neighbors: int = 4
    cascade: str = "default"
    detector_model: Path | None = None

    def __call__(self, threads: int = 1) -> "Follower":
        """Open the detector with so many threads, and follow nobody yet."""
        from .detectors import Wishes, open_detector
        from .track import Follower

        wishes = Wishes(
            self.min_face, self.scale, self.neighbors, threads, self.cascade, self.detector_model
        )
        return Follower(open_detector(self.detector, wishes), every=self.every)

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        model = self.detector_model
        return asdict(self) | {"detector_model": str(model) if model else None}


DEFAULT = Following()
