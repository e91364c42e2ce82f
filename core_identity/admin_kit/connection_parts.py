"""What sso and scim add to the pages of a connection. `core_identity.config.admin` lists the parts."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.utils.timesince import timesince

from core_identity.admin_kit.pages import ConnectionPage

if TYPE_CHECKING:
    from core_identity.models import Connection


class HealthRow(NamedTuple):
    """One line of the card *Health*; ``address`` is the list behind the value, or empty."""

    name: str
    value: object
    address: str = ""


class ConnectionPart:
    """The part of one protocol: its pages, and what it shows on the pages of core_identity."""

    pages: ClassVar[tuple[type[ConnectionPage], ...]] = ()
    inline: ClassVar[Any]
    """The settings, to read, on the change page."""

    def annotations(self) -> Mapping[str, Any]:
        """Return columns for the list of connections."""
        return {}

    def closed_pages(self, connection: "Connection") -> set[str]:
        """Return the names of pages for which it is too early."""
        return set()

    def warnings(self, connection: "Connection") -> Mapping[str, Any]:
        """Return what an administrator must know before anything else, for the templates."""
        return {}

    def overview(self, connection: "Connection", warnings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the overview shows beside steps and screens."""
        return {}

    def health(self, connection: "Connection", warnings: Mapping[str, Any]) -> Iterator[HealthRow]:
        """Yield rows of the card *Health*. Their cost does not grow with people or logs."""
        yield from ()


def time_ago(moment: datetime | None) -> str:
    return f"{timesince(moment)} ago" if moment else "none yet"
