"""Tell how far an import is, from what lies on the disk: whoever did it."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edgefer.errors import DataError
from edgefer.progress import console, say

from .plan import Plan, load_rows

_OFTEN, _SELDOM = 0.5, 30.0  # seconds between looks, and between lines where there is no terminal
# Seconds that the end waits for the bar. Ctrl-C in the middle of an import can leave Python's lock
# of all imports taken, and the bar imports what it draws with: it would wait for ever.
_PATIENCE = 5.0


@contextmanager
def watched(plan: Plan, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Show a bar (a line now and then in a pipe) while shards are being done."""
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(plan, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(patience)


def _watch(plan: Plan, over: threading.Event) -> None:
    tally = _Tally(plan)
    tally.look()
    start, before, said = time.monotonic(), tally.photos, time.monotonic()
    columns = (
        TextColumn("photos"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[dropped]}"),
    )
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task("", total=plan.photos, completed=before, rate="", dropped="")
        while not over.wait(_OFTEN):
            tally.look()
            now = time.monotonic()
            rate = f"{(tally.photos - before) / (now - start):.0f}/s"
            bar.update(
                task,
                completed=tally.photos,
                rate=rate,
                dropped=tally.left_out(bar.console.width - 60),
            )
            if now - said > _SELDOM and console().quiet:
                said = now
                say(f"{tally.photos} of {plan.photos} photos, {rate}; {tally.left_out(120)}")


class _Tally:
    """Counts what is in the shards that are done, each of them once."""

    def __init__(self, plan: Plan) -> None:
        self._folder = plan.folder / "done"
        self._seen: set[str] = set()
        self._dropped: Counter[str] = Counter()
        self.photos = 0

    def look(self) -> None:
        """Count the shards that are new."""
        for path in self._folder.glob("*.npz"):
            if path.name in self._seen:
                continue
            self._seen.add(path.name)
            try:
                rows = load_rows(path)
            except (DataError, OSError):
                continue  # whoever gathers the shards says so
            self.photos += len(rows)
            self._dropped.update(row["reason"] for row in rows if "reason" in row)

    def left_out(self, width: int) -> str:
        """How many are left out, and mostly why where there is room."""
        text = f"{sum(self._dropped.values())} left out"
        for reason, count in self._dropped.most_common(3):
            longer = f"{text}, {count} {reason}"
            if len(longer) > width:
                break
            text = longer
        return text
