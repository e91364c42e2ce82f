"""The limits of a connection, with the variables of the environment that change them, and when a limit was reached."""

from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings

from core_identity.admin_kit.health import HealthRow


class Limit(NamedTuple):
    """``value`` is in words. ``variables`` are the names of the variables that change it."""

    name: str
    value: str
    variables: str


class Limits(NamedTuple):
    """The limits that a package keeps, and the facts about when they were reached."""

    limits: Iterable[Limit]
    reached: Iterable[HealthRow] = ()


def per_minute(name: str, variable: str) -> Limit:
    """Return a limit for each minute, from the setting with the name of its variable. 0 means that there is no limit."""
    value: int = getattr(settings, variable)
    return Limit(name, f"{value:,}" if value > 0 else "no limit", variable)
