"""Write down and draw how a search went."""

import csv
import io

from edgefer.folders import write_file

from .search_result import SearchResult
from .space import as_flag


def write_search(result: SearchResult) -> None:
    """Write ``trials.csv`` and ``search.png`` into the study's folder."""
    write_file(result.folder / "trials.csv", _table(result).encode(), force=True)
    write_file(result.folder / "search.png", draw_search(result), force=True)


def _table(result: SearchResult) -> str:
    names, text = list(result.recipe.over), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", "val_accuracy", "epochs", *names])
    for trial in result.trials:
        cells = [trial.choices.get(name, "") for name in names]
        accuracy = f"{trial.accuracy:.6f}" if trial.epochs else ""
        writer.writerow([trial.number, trial.state, accuracy, len(trial.epochs), *cells])
    return text.getvalue()


def draw_search(result: SearchResult) -> bytes:
    """PNG of every trial's accuracy, of what the choices are worth, and of each choice.

    Parameters
    ----------
    result : SearchResult
        At least one trial is done.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    done = [trial for trial in result.trials if trial.state == "done"]
    early = [trial for trial in result.trials if trial.state == "stopped early" and trial.epochs]
    names = list(result.recipe.over)
    rows = 1 + -(-len(names) // 3)
    kinds = [
        (trials, color, label)
        for trials, color, label in ((early, "0.7", "stopped early"), (done, "C0", "done"))
        if trials  # an empty plot has no size, which the layout cannot bear
    ]
    figure = Figure(figsize=(10, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(rows, 3)

    history = figure.add_subplot(grid[0, :2])
    for trials, color, label in kinds:
        numbers = [trial.number for trial in trials]
        history.plot(
            numbers, [100 * t.accuracy for t in trials], "o", color=color, ms=5, label=label
        )
    best = [100 * max(t.accuracy for t in done[: i + 1]) for i in range(len(done))]
    history.step([t.number for t in done], best, where="post", color="C1", label="best so far")
    history.set(xlabel="trial", ylabel="best val accuracy, %")
    history.xaxis.set_major_locator(MaxNLocator(integer=True))
    history.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))

    worth = figure.add_subplot(grid[0, 2])
    shares = list(result.importances.items())[::-1]
    if shares:
        worth.barh([as_flag(name) for name, _ in shares], [share for _, share in shares])
        worth.set(xlabel="importance")
        worth.xaxis.set_major_locator(MaxNLocator(4))
    else:
        worth.text(0.5, 0.5, "importance:\ntoo few trials are done", ha="center", va="center")
        worth.set_axis_off()

    for i, name in enumerate(names):
        axes = figure.add_subplot(grid[1 + i // 3, i % 3])
        each = result.recipe.over[name]
        for trials, color, _ in kinds:
            values = [trial.choices[name] for trial in trials]
            shown = [each.choices.index(v) for v in values] if each.choices else values
            axes.plot(
                shown,
                [100 * trial.accuracy for trial in trials],
                "o",
                color=color,
                ms=4,
                clip_on=False,
            )
        if each.choices:
            axes.set_xticks(range(len(each.choices)), str(each).split("|"))
            axes.set_xlim(-0.5, len(each.choices) - 0.5)
        else:
            if each.log:
                axes.set_xscale("log")
                steps = (1,) if each.high / each.low >= 100 else (1, 2, 5)
                axes.xaxis.set_major_locator(LogLocator(subs=steps))
                axes.xaxis.set_major_formatter("{x:g}")
                axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_xlim(each.low, each.high)
        axes.set(xlabel=as_flag(name), ylabel="val accuracy, %" if i % 3 == 0 else "")
        axes.grid(alpha=0.3)
    history.grid(alpha=0.3)
    made = io.BytesIO()
    figure.savefig(made, dpi=110)
    return made.getvalue()
