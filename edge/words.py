"""What people read, in the languages of the page."""

from typing import NamedTuple


class Words(NamedTuple):
    """The same in two languages; logs and terminals take the first."""

    english: str
    korean: str
