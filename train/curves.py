"""Draw how a training went."""

from collections.abc import Mapping, Sequence
from pathlib import Path


def draw_curves(log: Sequence[Mapping[str, float]], path: Path) -> Path:
    """Write a PNG of loss and accuracy over epochs, for training and validation.

    Parameters
    ----------
    log : sequence of mapping
        Rows with ``epoch``, ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy``.
    path : Path
        The PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [row["epoch"] for row in log]
    best = max(log, key=lambda row: row["val_accuracy"])["epoch"]
    for axes, key in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[key] for row in log], label="training, augmented")
        axes.plot(epochs, [row[f"val_{key}"] for row in log], label="validation")
        axes.axvline(best, color="0.6", linestyle=":", label=f"kept: epoch {best:.0f}")
        axes.set(xlabel="epoch", ylabel=key)
        axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
    return path
