"""What every page is made with: no script, nothing loaded from elsewhere, every text escaped."""

import re
from collections.abc import Callable

import jinja2
from markupsafe import Markup

# Plots are drawn twice, for a desktop and for a phone; the page's style shows one of them.
WIDE, NARROW = 920, 340
# A minus, and not the hyphen of a name such as fer-2013.
_SIGN = re.compile(r"(?<![\w-])-(?=\d)")


def environment(package: str = "edgefer.report") -> jinja2.Environment:
    """Templates of a package, beside those that all pages share, and the filter ``minus``."""
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(name, "") for name in dict.fromkeys((package, "edgefer.report"))]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["minus"] = minus
    return made


def minus(text: object) -> str:
    """Text with the minus sign of print before numbers, and no line broken before a unit."""
    signed = _SIGN.sub("−", str(text))
    return re.sub(r"(?<=\d) (?=%|ms\b|[kM]B\b)", "\N{NO-BREAK SPACE}", signed)


def both(plot: Callable[[int], str]) -> Markup:
    """A plot at both widths; the function that draws it escapes every text that it sets."""
    return Markup(
        f'<div class="plot wide">{plot(WIDE)}</div><div class="plot narrow">{plot(NARROW)}</div>'
    )
