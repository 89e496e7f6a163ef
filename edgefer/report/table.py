"""The comparison as a table: on a terminal, and in Markdown."""

import io

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgefer.report import words
from edgefer.report.against import COLUMNS as DIFFERENCES
from edgefer.report.against import difference_rows, difference_words
from edgefer.report.comparison import Comparison
from edgefer.report.drop import BETTER, OPEN, WORSE, Drop

COLUMNS = ("emotion", "faces", "float", "int8", "drop", "95 % interval", "p", "finding")
STYLES = {WORSE: "bold red", BETTER: "green", **dict.fromkeys(OPEN, "yellow")}


def to_text(comparison: Comparison, *, width: int = 80, color: bool = False) -> str:
    """Table, findings and warnings for a terminal; 80 columns and more look well."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for i, column in enumerate(COLUMNS):
        right = 0 < i < len(COLUMNS) - 1
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    for row in comparison.drops:
        cells = [_text(cell) for cell in _cells(row)]
        table.add_row(*cells, style=STYLES.get(row.verdict, ""))
    table.add_section()
    table.add_row(*(_text(cell) for cell in _cells(comparison.overall)), style="bold")
    if comparison.clean:
        table.add_row(*(_text(cell) for cell in _cells(comparison.clean)))
    table.add_row(*(_text(cell) for cell in _balanced(comparison)))
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, highlight=False
    )
    # Measured on an endless line: within the width, a table always claims to fit.
    if console.measure(table, options=console.options.update(width=1000)).maximum > width:
        table.padding = 0
    split = f", split {comparison.about['split']}" if "split" in comparison.about else ""
    console.print(_text(f"{comparison.bundle} on {comparison.faceset}{split}: float against int8"))
    console.print()
    console.print(table)
    console.print()
    console.print(_text(words.headline(comparison), style="bold"))
    for line in words.findings(comparison):
        console.print(_text(line))
    console.print()
    for name, fact in words.facts(comparison):
        console.print(_hanging(f"{name}:", fact))
    console.print(
        _hanging(
            "how to read:",
            "drop and interval in points, above 0 int8 is worse; "
            f"{words.test_name(comparison)}, over the emotions corrected by Holm; too few to tell: "
            f"p is not below .05 and the interval reaches beyond {words.margin(comparison)}",
        )
    )
    for warning in comparison.warnings:
        console.print(_hanging("warning:", warning), style="yellow")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def to_terminal(comparison: Comparison) -> str:
    """Table as wide and colorful as standard output allows."""
    console = Console()
    width = min(max(console.width, 80), 100)
    return to_text(comparison, width=width, color=console.is_terminal and not console.no_color)


def to_markdown(comparison: Comparison) -> str:
    """Headline, table, facts and warnings in Markdown."""
    title = f"{comparison.bundle} on {comparison.faceset}: what int8 cost"
    rows = [_cells(row) for row in (*comparison.drops, comparison.overall)]
    rows += [_cells(comparison.clean)] if comparison.clean else []
    rows += [_balanced(comparison)]
    lines = [f"# {_plain(title)}", "", f"**{words.headline(comparison)}**", ""]
    lines += [_plain(" ".join(words.findings(comparison))), ""]
    lines += [_line(list(COLUMNS)), _line(["---", *["---:"] * (len(COLUMNS) - 2), "---"])]
    lines += [_line([_plain(cell) for cell in row]) for row in rows]
    lines += ["", *(f"* {name}: {_plain(fact)}" for name, fact in words.facts(comparison))]
    lines += _against(comparison)
    lines += ["", *(f"> **Warning:** {_plain(warning)}\n" for warning in comparison.warnings)]
    lines += [" ".join(words.method(comparison)), ""]
    if "command" in comparison.about:
        lines += [*_fenced(str(comparison.about["command"])), ""]
    return "\n".join(lines)


def _cells(row: Drop) -> list[str]:
    return [
        words.named(row.emotion, row.korean),
        f"{row.support:,}",
        words.percent(row.before),
        words.percent(row.after),
        words.points(row.drop),
        words.span(row),
        words.p_value(row.p),
        words.note(row),
    ]


def _against(comparison: Comparison) -> list[str]:
    """Another machine beside this one, as Markdown; nothing if there is none."""
    rows = difference_rows(comparison)
    if not rows:
        return []
    where, *notes = difference_words(comparison)
    lines = ["", f"## Against {_plain(where)}", ""]
    lines += [_line(list(DIFFERENCES)), _line(["---", *["---:"] * (len(DIFFERENCES) - 1)])]
    lines += [_line([_plain(cell) for cell in row]) for row in rows]
    return [*lines, "", " ".join(notes)]


def _balanced(comparison: Comparison) -> list[str]:
    mean = comparison.balanced
    shares = [words.percent(mean.before), words.percent(mean.after), words.points(mean.drop)]
    return ["emotions' mean", "", *shares, words.span(mean), "", ""]


def _text(text: str, style: str = "") -> Text:
    # Not a plain string: names come from files, and neither markup nor escape codes may act.
    return Text("".join(sign if sign.isprintable() else "?" for sign in text), style)


def _hanging(name: str, text: str) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=12, no_wrap=True)
    grid.add_column()
    grid.add_row(_text(name), _text(text))
    return grid


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text in which nothing is Markdown or HTML, on one line."""
    for sign in "\\`*_{}[]<>|#":
        text = text.replace(sign, f"\\{sign}" if sign != "<" else "&lt;")
    return " ".join(text.split())


def _fenced(text: str) -> list[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}sh", text, fence]
