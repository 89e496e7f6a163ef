"""Show a training in TensorBoard while it runs."""

from pathlib import Path

from edgefer.errors import EdgeferError
from edgefer.keras import tf

from .checkpoints import State


def board(folder: Path | None) -> "Board | None":
    """A board in this folder; none where none is wanted."""
    return Board(folder) if folder else None


class Board:
    """Writes what each epoch gave; called with the training's state after it.

    Parameters
    ----------
    folder : Path
        What ``tensorboard --logdir`` is to read. A resumed training writes on.

    Raises
    ------
    EdgeferError
        If nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        # tf.summary needs it, and names it nowhere when it is missing.
        import tensorboard  # noqa: F401

        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = tf.summary.create_file_writer(str(folder))
        except OSError as error:
            raise EdgeferError(f"cannot write to {folder}: {error.strerror}.") from error

    def __call__(self, state: State) -> None:
        """Add the last epoch's row."""
        row = dict(state.log[-1])
        with self._writer.as_default(step=int(row.pop("epoch"))):
            for name, value in row.items():
                split, _, rest = name.rpartition("_")
                tf.summary.scalar(f"{rest}/{split}" if split else f"{rest}/train", value)
        self._writer.flush()
