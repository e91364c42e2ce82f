"""The apps of this Okta. The first one belongs to the story; each other one to a connection that somebody made by hand."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from demo.dashboard.customer_app import CustomerApp
from demo.idp.authn_request import Refused
from demo.idp.logout import Session
from demo.idp.parties import Parties, path_of
from demo.people import DemoPerson

MOST: Final = 20
"""Anybody who can reach this machine can open an address of a new app."""
SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")
_ADDRESS: Final = re.compile(rf"/apps/({SLUG.pattern})(/.*)")


@dataclass(frozen=True, slots=True)
class App:
    """``customer`` is empty for the app of the story, which the dashboard drives."""

    parties: Parties
    people: Callable[[], tuple[DemoPerson, ...]]
    customer: CustomerApp | None = None
    sessions: dict[str, Session] = field(default_factory=dict)


@dataclass(slots=True)
class Apps:
    """``folder`` keeps what the other apps remember."""

    first: App
    folder: Path
    _others: dict[str, App] = field(default_factory=dict)

    def at(self, path: str) -> tuple[App, str]:
        """Return the app that an address belongs to, and the path inside that app. Raises `Refused` if there are too many apps."""
        found = _ADDRESS.fullmatch(path)
        return (self._other(found[1]), found[2]) if found else (self.first, path)

    def begin_again(self) -> None:
        """Forget all sessions, tokens and pushes."""
        self.first.sessions.clear()
        self._others.clear()
        for file in self.folder.glob("*.json"):
            file.unlink(missing_ok=True)

    def _other(self, slug: str) -> App:
        if slug not in self._others and len(self._others) >= MOST:
            raise Refused(f"The demo has {MOST} apps already. Press Begin again on the start page.")
        one = self.first.parties
        parties = Parties(one.idp_url, one.sp_url, slug, path_of(slug))
        customer = CustomerApp(slug, f"{one.sp_url}/scim/{slug}/v2", self.folder)
        return self._others.setdefault(slug, App(parties, lambda: customer.people, customer))
