"""Read K-FACE (AI Hub 83): one person's pictures in a folder or zip, by light, expression, view."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from edgefer.errors import DataError
from edgefer.labels import labels_of

from .plan import Photo
from .sources import Entry, scan

LABELS = labels_of("kface3", "neutral", "happy", "frown")
LICENCE = "AI Hub 83 (K-FACE): its terms forbid handing it on"
_EMOTIONS = {"E01": "neutral", "E02": "happy", "E03": "frown"}
_PATH = re.compile(
    r"(?:^|/)(?P<person>[^/]+)/(?P<accessory>S\d{3})/L(?P<light>\d+)/(?P<expression>E\d\d)"
    r"/C(?P<view>\d+)\.(?:jpe?g|png)$",
    re.IGNORECASE,
)


def plan_kface(
    sources: Sequence[Path],
    *,
    accessories: Collection[int] = (),
    lights: Collection[int] = (),
    views: Collection[int] = (),
) -> Iterator[Photo]:
    """Pictures of a download, people in the order of their names; those not asked for are absent.

    Parameters
    ----------
    sources : sequence of Path
        The download folder, people's folders or zips, in any mix.
    accessories, lights, views : collection of int
        Which ``S``, ``L`` and ``C`` to take; all if empty.

    Yields
    ------
    Photo
        Without boxes: the publisher's are not read.

    Raises
    ------
    DataError
        If no file's name reads ``<id>/<S..>/<L..>/<E..>/<C..>.jpg``, or nothing is left to take.
    """
    found: dict[tuple[str, str, int, str, int], Entry] = {}
    twins: list[str] = []
    there: tuple[set[int], ...] = (set(), set(), set())
    for top, entry in ((source, entry) for source in sources for entry in scan([source])):
        # A person's own folder may be what was named.
        parts = _PATH.search(f"{top.absolute().name}/{entry.name}")
        if not parts:
            continue
        accessory, expression = parts["accessory"].upper(), parts["expression"].upper()
        light, view = int(parts["light"]), int(parts["view"])
        numbers = (int(accessory[1:]), light, view)
        for seen, number in zip(there, numbers, strict=True):
            seen.add(number)
        wanted = zip(numbers, (accessories, lights, views), strict=True)
        if any(chosen and number not in chosen for number, chosen in wanted):
            continue
        key = (parts["person"], accessory, light, expression, view)
        if found.setdefault(key, entry) is not entry:
            twins.append(entry.name)
    if not there[0]:
        raise DataError(
            f"no picture in {', '.join(map(str, sources))} is named as K-FACE's are, "
            "19062421/S001/L1/E01/C1.jpg. Name the folder above the people's, or their zips."
        )
    if not found:
        kinds = ("accessories", "lights", "views")
        known = "; ".join(
            f"{kind} {', '.join(map(str, sorted(numbers)))}"
            for kind, numbers in zip(kinds, there, strict=True)
        )
        raise DataError(f"no picture has such an accessory, light and view. There are {known}.")
    for key, entry in sorted(found.items()):
        person, accessory, light, expression, view = key
        origin = f"{person}/{accessory}/L{light}/{expression}/C{view}"
        if expression not in _EMOTIONS:
            yield Photo(origin, reason=f"expression {expression} is not E01, E02 or E03")
            continue
        about = {"accessory": accessory, "light": str(light), "view": str(view)}
        yield Photo(origin, entry, _EMOTIONS[expression], person=person, about=about)
    for name in sorted(twins):
        yield Photo(name, reason="the same picture again, perhaps in another resolution")


def parse_numbers(text: str) -> tuple[int, ...]:
    """Numbers from ``1,4-6``; none from an empty text.

    Raises
    ------
    DataError
        If it is neither.
    """
    found: list[int] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        ends = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part, re.ASCII)
        if not ends or int(ends[2] or ends[1]) < int(ends[1]):
            raise DataError(f"{part!r} is no number and no range. Example: 1,4-6.")
        found += range(int(ends[1]), int(ends[2] or ends[1]) + 1)
    return tuple(found)
