"""Move a bar through the steps of an epoch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edgefer.keras import keras
from edgefer.progress import console


@contextmanager
def epoch_bar(epoch: int, epochs: int, steps: int) -> Iterator[Any]:
    """Keras callback that moves the bar; invisible in a pipe."""
    columns = (
        TextColumn(f"epoch {epoch}/{epochs}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task("", total=steps, loss=0.0)
        yield keras.callbacks.LambdaCallback(
            on_batch_end=lambda step, logs: bar.update(task, completed=step + 1, loss=logs["loss"])
        )
