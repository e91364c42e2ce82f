"""The actions of the page's buttons. A lock puts two clicks at the same moment one after the other."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from demo.people import PEOPLE, DemoPerson
from demo.simulate import steps
from demo.simulate.comparison import Row, compare
from demo.simulate.connection import DemoConnection, Unusable, read_connection
from demo.simulate.consent import ConsentAttempt
from demo.simulate.directory import open_directory, read_directory
from demo.simulate.okta import OktaAiw
from demo.simulate.private_file import read_json
from demo.simulate.scim_client import Refused, ScimClient
from demo.simulate.tokens import Tokens
from demo.simulate.transcript import Transcript

LINES: Final = 200
CALLBACK_PATH: Final = "/oauth/callback"


@dataclass(frozen=True, slots=True)
class View:
    """The part of the page that changes. ``fault`` is a sentence if CORE could not be reached; ``setup_link`` that of Globex, if there is one."""

    steps: tuple[tuple[str, bool], ...]
    rows: tuple[Row, ...]
    transcript: tuple[str, ...]
    consented: bool
    fault: str = ""
    setup_link: str = ""


@dataclass(slots=True)
class Dashboard:
    """``connection_file`` is what `./dev run` leaves; it may not be there yet. ``own_url`` is an origin.

    ``reset_core`` empties CORE of the demo's people and raises `Unusable` if it cannot. Without it only Okta begins again.
    """

    connection_file: Path
    own_url: str
    reset_core: Callable[[], None] | None = None
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))
    _attempt: ConsentAttempt | None = None
    _known: tuple[DemoConnection, Tokens] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def view(self) -> View:
        """Return the state of both sides, read now. If CORE cannot be reached, the result contains that fault; nothing is raised."""
        try:
            connection = read_connection(self.connection_file)
            tokens = self._tokens(connection)
            directory = read_directory(self._state, connection.scim_base_url)
        except Unusable as error:
            return View((), (), tuple(self._lines), consented=False, fault=str(error))
        client = ScimClient(connection.scim_base_url, tokens, Transcript(write=_nothing))
        titles = tuple(
            (step.title, number in directory.steps_done)
            for number, step in enumerate(steps.story(OktaAiw(client, directory)))
        )
        try:
            rows, fault = tuple(compare(directory, client)), ""
        except (Refused, Unusable) as error:
            rows, fault = (), str(error)
        link = str(read_json(self.connection_file.with_name("globex.json")).get("setup_link", ""))
        return View(titles, rows, tuple(self._lines), consented=tokens.consented, fault=fault, setup_link=link)

    def people(self) -> tuple[DemoPerson, ...]:
        """Return the people whom this Okta can sign in, with their present names, so that SAML and SCIM send the same after a marriage."""
        try:
            base_url = read_connection(self.connection_file).scim_base_url
        except Unusable:
            return PEOPLE
        return tuple(one.person for one in read_directory(self._state, base_url).people.values())

    def do_step(self, number: int) -> None:
        """Do one step of the story. The transcript shows the result."""
        with self._okta() as okta:
            story = steps.story(okta)
            if not 0 <= number < len(story):
                return
            self._lines.append(f"▸ {story[number].title}")
            okta.directory.steps_done = sorted({*okta.directory.steps_done, number})
            story[number].act()

    def do_the_rest(self) -> None:
        """Do all the steps that are left, in order; one that is refused does not stop the others."""
        while (number := self._next_step()) is not None:
            self.do_step(number)

    def begin_again(self) -> None:
        """Make both sides what they were at first: CORE has no people, and Okta has pushed nobody. Raises `Unusable`."""
        if self.reset_core is not None:
            self.reset_core()
        self._lines.clear()
        with self._okta() as okta:
            okta.directory.begin_again(keeps_links=self.reset_core is None)
            both = "CORE and Okta are" if self.reset_core else "Okta is"
            self._lines.append(f"▸ {both} as in the beginning")

    def begin_consent(self) -> str:
        """Return the address at which an administrator of CORE has to consent. Raises `Unusable`."""
        self._attempt = ConsentAttempt(read_connection(self.connection_file), f"{self.own_url}{CALLBACK_PATH}")
        return self._attempt.url

    def end_consent(self, query: str) -> None:
        """Take the code that came back, and keep the tokens for all later requests. Raises `Unusable`."""
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            raise Unusable("No consent was asked for. Begin again on the start page.")
        self._tokens(attempt.connection).exchange(attempt.code_of(query), attempt.redirect_uri)

    def _next_step(self) -> int | None:
        return next((number for number, (_, done) in enumerate(self.view().steps) if not done), None)

    @contextmanager
    def _okta(self) -> Iterator[OktaAiw]:
        with self._lock:
            try:
                connection = read_connection(self.connection_file)
                client = ScimClient(connection.scim_base_url, self._tokens(connection), self._transcript)
                with open_directory(self._state, connection.scim_base_url) as directory:
                    yield OktaAiw(client, directory)
            except Unusable as error:
                self._lines.append(str(error))
            except Refused:
                pass  # the transcript has the reason, and the row of the person or group shows it

    @property
    def _state(self) -> Path:
        return self.connection_file.with_name("okta.json")

    @property
    def _transcript(self) -> Transcript:
        return Transcript(write=lambda text: self._lines.extend(text.splitlines()))

    def _tokens(self, connection: DemoConnection) -> Tokens:
        """One for all looks and steps: a token is asked for when the last one runs out, not at each of them."""
        if self._known is None or self._known[0] != connection:
            file = self.connection_file.with_name("tokens.json")
            self._known = connection, Tokens(connection, self._transcript, file)
        return self._known[1]


def _nothing(_: str) -> None:
    """Write nothing."""
