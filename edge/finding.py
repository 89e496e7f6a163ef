"""What was found about one thing on a machine, and how a person reads it."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What.
    status : str
        ``ok``, ``note`` (edgefer run works without it) or ``broken`` (it does not).
    found : str
        What was found.
    fix : str
        What to type; empty where nothing needs to be done.
    """

    name: str
    status: str
    found: str
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """The four, ready for JSON."""
        return asdict(self)


def format_checks(checks: list[Check]) -> str:
    """Checks as lines for a person, the remedy under each problem."""
    lines = []
    for check in checks:
        lines.append(f"{check.status:7} {check.name:14} {check.found}")
        if check.fix:
            lines.append(f"{'':23}try: {check.fix}")
    broken = sum(check.status == "broken" for check in checks)
    lines.append(f"\n{broken} broken" if broken else "\nnothing is broken")
    return "\n".join(lines)
