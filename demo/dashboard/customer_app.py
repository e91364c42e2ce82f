"""One app of this Okta for a connection that somebody made by hand: its people, its token, and what it pushes."""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from demo.people import PEOPLE, DemoPerson
from demo.simulate import steps
from demo.simulate.comparison import Row, compare
from demo.simulate.connection import Unusable
from demo.simulate.directory import open_directory, read_directory
from demo.simulate.okta import OktaAiw
from demo.simulate.private_file import read_json, write_json
from demo.simulate.scim_client import Refused, ScimClient
from demo.simulate.transcript import Transcript

LINES: Final = 200
_TOKEN: Final = re.compile(r"[!-~]{1,500}")
"""A value of a header."""


@dataclass(frozen=True, slots=True)
class AppView:
    """The content of the page of the app. ``fault`` is a sentence if CORE could not be read."""

    has_token: bool
    rows: tuple[Row, ...]
    transcript: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A long-lived token, as the set-up page shows it once."""

    text: str

    def bearer(self) -> str:
        return self.text


def people_of(slug: str) -> tuple[DemoPerson, ...]:
    """Return the ten people of the demo as those of another customer: other addresses, the same names."""
    return tuple(
        replace(one, login=one.login.replace("@acme.test", f"@{slug.lower()}.test"), organization=slug.capitalize())
        for one in PEOPLE
    )


@dataclass(slots=True)
class CustomerApp:
    """``folder`` keeps the token and what was pushed. Each act writes its requests and their answers to the transcript."""

    slug: str
    scim_base_url: str
    folder: Path
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))

    @property
    def people(self) -> tuple[DemoPerson, ...]:
        return people_of(self.slug)

    def view(self) -> AppView:
        """Return the state of both sides, read now."""
        token = self._token()
        if not token:
            return AppView(False, (), tuple(self._lines))
        client = ScimClient(self.scim_base_url, FixedToken(token), Transcript(write=_nothing))
        directory = read_directory(self._file("people"), self.scim_base_url)
        for account, person in zip(directory.people.values(), self.people, strict=True):
            account.person = person
        try:
            return AppView(True, tuple(compare(directory, client)), tuple(self._lines))
        except (Refused, Unusable) as error:
            return AppView(True, (), tuple(self._lines), fault=str(error))

    def test(self, token: str) -> None:
        """Keep the token and test it, as the button *Test API Credentials* does. Raises `Unusable` if it cannot be a token."""
        token = token.strip()
        if not _TOKEN.fullmatch(token):
            raise Unusable("This is not a token. Copy it again from the set-up page of CORE.")
        write_json(self._file("token"), {"token": token})
        self._do(lambda okta: [steps.test_connection(okta)])

    def push(self) -> None:
        """Push all people, then all groups."""
        self._do(steps.push_everything)

    def _do(self, steps_of: Callable[[OktaAiw], Sequence[steps.Step]]) -> None:
        transcript = Transcript(write=lambda text: self._lines.extend(text.splitlines()))
        client = ScimClient(self.scim_base_url, FixedToken(self._token()), transcript)
        with open_directory(self._file("people"), self.scim_base_url) as directory:
            for account, person in zip(directory.people.values(), self.people, strict=True):
                account.person = person
            for step in steps_of(OktaAiw(client, directory)):
                self._lines.append(f"▸ {step.title}")
                try:
                    step.act()
                except Refused:
                    pass  # the transcript has the reason
                except Unusable as error:
                    self._lines.append(str(error))
                    return

    def _token(self) -> str:
        return str(read_json(self._file("token")).get("token", ""))

    def _file(self, what: str) -> Path:
        return self.folder / f"{self.slug}-{what}.json"


def _nothing(_: str) -> None:
    """Write nothing."""
