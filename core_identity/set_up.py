"""The set-up of a connection: its steps in order, each ticked by facts, and the values that the IdP's screens ask for (R37).

Each app registers the steps and the values that it knows, because core_identity does not import the protocol apps.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from core_identity.brand import BRAND
from core_identity.models.connection import UidRule
from core_identity.sketches import Drawing, Sketch, sketch

if TYPE_CHECKING:
    from core_identity.models import Connection


class Vendor(StrEnum):
    """The IdPs whose screens we know. OTHER uses the words of the standards."""

    OKTA = "okta"
    ENTRA = "entra"
    GOOGLE = "google"
    OTHER = "other"

    @classmethod
    def chosen(cls, text: str | None) -> "Vendor":
        """Return the vendor of a query or a cookie. Okta for everything else."""
        return next((one for one in cls if one == text), cls.OKTA)

    @property
    def label(self) -> str:
        return {"okta": "Okta", "entra": "Entra", "google": "Google", "other": "Other"}[self.value]

    @property
    def in_a_sentence(self) -> str:
        return "another identity provider" if self is Vendor.OTHER else self.label


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do for a step, shown while it is open, in the words of one vendor's screens.

    ``waits_for`` continues the words "We wait for". ``check`` is what to look at when nothing comes. Both pages show it: it names no person and no
    page of the administration.
    """

    do: str
    waits_for: str = ""
    check: str = ""
    address: str = ""
    """What to copy for it."""


AdviceOf = Mapping[Vendor, Mapping[str, Advice]]
"""The advice of each vendor, by the name of the step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``order`` is its place, from 1.

    ``facts`` are sentences about what happened already. ``here`` is where to look in the administration when nothing comes.
    ``page`` is the last part of the name of the page that does it, as in ``admin:core_identity_connection_<page>``.
    An address that begins with # is a part of the overview.
    ``seen_at`` (aware) is the time of the fact that ticked the step, if it has one.

    ``for_customer`` is the step in the words of the customer's own page (R38). A step without it is not shown there. ``facts`` and ``here`` never
    are, because they may name people, or pages of the administration.
    """

    order: int
    name: str
    title: str
    done: bool
    facts: tuple[str, ...] = ()
    advice: Advice = Advice("")
    here: str = ""
    page: str = ""
    page_title: str = ""
    seen_at: datetime | None = None
    for_customer: "CustomerStep | None" = None
    is_optional: bool = False
    """It comes after the step of the same order, is not counted, and is never the next one."""
    is_proven_later: bool = False
    """Nothing is left to do for it. A later step proves it, so that one is the next."""


@dataclass(frozen=True, slots=True)
class CustomerStep:
    """A step for the customer's IT administrator: no name of a person, nothing of CORE's side. ``act`` is the name of the URL that does it.

    ``advice`` replaces that of the step.
    """

    title: str
    advice: Advice | None = None
    facts: tuple[str, ...] = ()
    act: str = ""
    act_title: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """One field of a screen of the IdP. ``value`` is what to enter; empty if CORE does not have it yet.

    ``where`` describes the field or what to do there. ``copied`` is False for a choice that the administrator makes by hand.
    """

    name: str
    label: str
    value: str
    where: str = ""
    required: bool = True
    copied: bool = True


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen of the IdP, with its fields in their order there."""

    title: str
    way: str
    values: tuple[Value, ...] = field(default=())
    step: str = "saml_app"
    """The name of the step that shows it."""
    used_by: str = "saml_app"
    """The name of the step whose tick proves that the values were entered. Until then they are unfolded."""
    drawing: Drawing | None = None

    @property
    def sketch(self) -> Sketch | None:
        """Where the values go, drawn."""
        fields = [(value.label, value.value) for value in self.values]
        return sketch(self.drawing, self.title, fields) if self.drawing else None


Steps = Callable[["Connection", Vendor], Iterable[Step]]
Screens = Callable[["Connection", Vendor], Iterable[Screen]]

_STEPS: Final[list[Steps]] = []
_SCREENS: Final[list[Screens]] = []


def register(*, steps: Steps, screens: Screens | None = None) -> None:
    """Add what an app knows, in ``AppConfig.ready``."""
    _STEPS.append(steps)
    if screens is not None:
        _SCREENS.append(screens)


def steps_of(connection: "Connection", vendor: Vendor) -> list[Step]:
    """Return the steps of a connection in their order, with advice for this vendor. A constant number of statements."""
    found = (step for steps in _STEPS for step in steps(connection, vendor))
    return sorted(found, key=lambda step: (step.order, step.is_optional))


def screens_of(connection: "Connection", vendor: Vendor) -> list[Screen]:
    """Return the screens of this vendor that need our values, in the order in which an administrator meets them. Nothing in them is secret."""
    return [screen for screens in _SCREENS for screen in screens(connection, vendor)]


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as a page shows it. ``state``: done, next, open or optional. ``act`` is the address of the page that does it, or empty."""

    name: str
    title: str
    facts: tuple[str, ...]
    advice: Advice
    act: str
    act_title: str
    seen_at: datetime | None = None
    state: str = "open"
    screens: tuple[Screen, ...] = ()
    is_unfolded: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps of a page, how many of them are done, and of how many. Optional steps are not counted."""

    steps: list[ShownStep]
    done: int
    of: int

    @property
    def next(self) -> ShownStep | None:
        return next((step for step in self.steps if step.state == "next"), None)

    @property
    def is_complete(self) -> bool:
        return self.done == self.of

    @property
    def open_steps(self) -> set[str]:
        """The names of the steps that are not done."""
        return {step.name for step in self.steps if step.state != "done"}


def progress(steps: Sequence[Step], shown_as: Callable[[Step], ShownStep], screens: Sequence[Screen] = ()) -> Progress:
    """Return the steps as a page shows them, each with its state and with those of ``screens`` that belong to it."""
    counted = [step for step in steps if not step.is_optional]
    following = next((step for step in counted if not step.done and not step.is_proven_later), None)
    open_steps = {step.name for step in steps if not step.done}
    shown = []
    for step in steps:
        own = tuple(screen for screen in screens if screen.step == step.name)
        unfolded = any(screen.used_by in open_steps for screen in own)
        state = _state(step, is_next=step is following)
        shown.append(
            replace(shown_as(step), state=state, screens=own, is_unfolded=unfolded, is_optional=step.is_optional)
        )
    return Progress(shown, sum(step.done for step in counted), len(counted))


def _state(step: Step, *, is_next: bool) -> str:
    if step.done:
        return "done"
    if step.is_optional:
        return "optional"
    return "next" if is_next else "open"


def uid_rule_in_words(rule: str) -> str:
    """Return what identifies people by a UID rule (R3), with an example and what happens to the second person of one name."""
    return {
        UidRule.NAME.value: (
            "firstName.lastName identifies people, for example John.Smith. A second John Smith needs another value in the directory, for example "
            f"John.Smith2. Until then {BRAND} refuses this person, and never mixes up the two."
        ),
        UidRule.EMAIL.value: (
            "The email address identifies people, for example john.smith@example.com. If an address goes to another person later, "
            f"{BRAND} refuses that person until an administrator decides."
        ),
        UidRule.OTHER.value: (
            "A stable value of the directory identifies people, for example the employee number 10042. Two people with the same name have "
            "different numbers, so they never collide."
        ),
    }[rule]
