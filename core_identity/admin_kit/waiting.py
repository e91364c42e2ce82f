"""One pending decision of an administrator, as a row of Home and of the lists."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """``url`` is the page that settles it, and ``action`` the button that leads there. ``since`` is aware."""

    what: str
    who: str
    detail: str
    since: datetime
    url: str
    action: str
