"""What a search may change in a recipe, and how far."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgefer.errors import EdgeferError

from .recipe import BALANCES, OPTIMIZERS, SCHEDULES, TrainRecipe


@dataclass(frozen=True)
class Range:
    """Values of one choice of a recipe, among which is searched.

    Attributes
    ----------
    low, high : float
        Both ends belong to it; whole numbers where the recipe has them.
    log : bool
        Equal factors count alike, not equal differences.
    choices : tuple
        One of these, where there are any; the ends say nothing then.
    """

    low: float = 0
    high: float = 0
    log: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that must all be possible."""
        return self.choices or (self.low, self.high)

    def __contains__(self, value: Any) -> bool:
        return value in self.choices if self.choices else self.low <= value <= self.high

    def __str__(self) -> str:
        if self.choices:
            return "|".join(map(_plain, self.choices))
        return f"{_plain(self.low)}:{_plain(self.high)}"


RANGES: dict[str, Range] = {
    "rate": Range(1e-4, 1e-2, log=True),
    "weight_decay": Range(1e-4, 1e-1, log=True),
    "dropout": Range(0.0, 0.6),
    "batch": Range(32, 256, log=True),
    "width": Range(8, 64, log=True),
    "depth": Range(4, 12),
    "optimizer": Range(choices=OPTIMIZERS),
    "schedule": Range(choices=SCHEDULES),
    "warmup": Range(0, 4),
    "lower": Range(0.2, 0.8),
    "lower_after": Range(2, 8),
    "average": Range(choices=(0.0, 0.99, 0.999)),
    "balance": Range(0.0, 1.0),
    "balance_by": Range(choices=BALANCES),
    "votes": Range(0.0, 0.8),
    "smoothing": Range(0.0, 0.2),
    "focal": Range(0.0, 3.0),
    "flip": Range(choices=(False, True)),
    "rotate": Range(0.0, 20.0),
    "shear": Range(0.0, 0.2),
    "shift": Range(0.0, 0.2),
    "zoom": Range(0.0, 0.25),
    "light": Range(0.0, 0.4),
    "noise": Range(0.0, 10.0),
    "erase": Range(0.0, 0.5),
    "mixup": Range(0.0, 0.4),
    "cutmix": Range(0.0, 1.0),
}
# Searched unless something else is asked for: what a new face set changes most.
USUAL = ("rate", "weight_decay", "dropout", "smoothing", "balance")
# Without the other choice these do nothing.
_NEEDS = {
    "warmup": ("schedule", "cosine"),
    "lower": ("schedule", "plateau"),
    "lower_after": ("schedule", "plateau"),
}


@dataclass(frozen=True)
class SearchRecipe:
    """How a recipe is searched for.

    Attributes
    ----------
    fixed : TrainRecipe
        Every choice that is not searched.
    over : mapping of str to Range
        What is searched.
    trials : int
        Trainings in all, those of earlier runs and of other workers included.
    """

    fixed: TrainRecipe
    over: Mapping[str, Range]
    trials: int = 30

    @property
    def start(self) -> dict[str, Any]:
        """The fixed recipe's own values of what is searched; empty where the ranges lack one."""
        found = {name: getattr(self.fixed, name) for name in self.over}
        known = all(found[name] is not None for name in self.over)
        return found if known and all(found[n] in each for n, each in self.over.items()) else {}

    def recipe(self, choices: Mapping[str, Any]) -> TrainRecipe:
        """Recipe of a trial, whose numbers are rounded so that they can be typed."""
        return replace(self.fixed, **{name: self._rounded(name, choices[name]) for name in choices})

    def identity(self) -> dict[str, Any]:
        """What must be equal for trials to be compared, ready for JSON."""
        return {**asdict(self.fixed), **{name: str(each) for name, each in self.over.items()}}

    def _rounded(self, name: str, value: Any) -> Any:
        each = self.over[name]
        if each.choices or not isinstance(value, float):
            return value
        return min(max(float(f"{value:.3g}"), each.low), each.high)


def parse_over(text: str, recipe: TrainRecipe) -> dict[str, Range]:
    """Ranges out of ``rate,dropout=0.1:0.6,optimizer=adamw|sgd``.

    Parameters
    ----------
    text : str
        Names of choices, each alone or with a range or choices of its own.
    recipe : TrainRecipe
        The fixed part, with which every value must be possible.

    Raises
    ------
    EdgeferError
        If a name or a range makes no sense, or would change nothing.
    """
    found: dict[str, Range] = {}
    for item in text.split(","):
        flag, _, values = (part.strip() for part in item.partition("="))
        name = flag.replace("-", "_")
        if name not in RANGES:
            known = ", ".join(map(as_flag, RANGES))
            raise EdgeferError(f"{flag!r} cannot be searched. Known: {known}.")
        if name in found:
            raise EdgeferError(f"{flag} is named twice.")
        found[name] = _parse_range(name, values) if "=" in item else RANGES[name]
        for value in found[name].ends:
            replace(recipe, **{name: value})  # refuses what no training takes
    for name, (other, value) in _NEEDS.items():
        if name in found and other not in found and getattr(recipe, other) != value:
            raise EdgeferError(
                f"{as_flag(name)} does nothing with {other} {getattr(recipe, other)}. Fix "
                f"--{other} {value}, or search over {other} too."
            )
    return found


def as_flag(name: str) -> str:
    """A choice as it is typed."""
    return name.replace("_", "-")


def _parse_range(name: str, text: str) -> Range:
    flag, usual = as_flag(name), RANGES[name]
    hint = f"expected {flag}={usual}" if usual.choices else f"such as {flag}={usual}"
    if "|" in text:
        choices = tuple(_value(name, part.strip(), hint) for part in text.split("|"))
        if len(set(choices)) < len(choices):
            raise EdgeferError(f"{flag}={text} names a choice twice.")
        return Range(choices=choices)
    low, colon, high = text.partition(":")
    if not colon or isinstance(usual.ends[0], (str, bool)):
        raise EdgeferError(f"{flag}={text} is no range, {hint}.")
    each = Range(_value(name, low, hint), _value(name, high, hint), log=usual.log)
    if not each.low < each.high:
        raise EdgeferError(f"{flag}={text} is no range: its low end comes first, {hint}.")
    if each.log and each.low <= 0:
        raise EdgeferError(f"{flag}={text} is searched by factors: its low end is more than 0.")
    return each


def _value(name: str, text: str, hint: str) -> Any:
    """A text as the recipe has this choice."""
    kind = type(RANGES[name].ends[0])
    try:
        return {"yes": True, "no": False}[text] if kind is bool else kind(text)
    except (KeyError, ValueError) as error:
        number = {int: "whole number", float: "number", bool: "yes or no"}[kind]
        raise EdgeferError(f"{as_flag(name)}: {text!r} is no {number}, {hint}.") from error


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str) else f"{value:.15g}"
