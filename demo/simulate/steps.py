"""What is done in one run, in order; something refused does not stop the rest."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demo.people import GROUPS, PEOPLE, DemoPerson
from demo.simulate.okta_aiw import OktaAiw
from demo.simulate.scim_client import Refused
from demo.simulate.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Step:
    """``counted_as`` is its line in the summary. ``act`` raises `Refused` when the server says no."""

    title: str
    counted_as: str
    act: Callable[[], None]


def push_everything(okta: OktaAiw) -> list[Step]:
    """The connection test, then all people, then all groups, whose members have to be known first."""
    return [
        Step("Test the connection", "Connection tested", okta.test_connection),
        *(_push_person(okta, person) for person in PEOPLE),
        *(_push_group(okta, name) for name in GROUPS),
    ]


def deactivate(okta: OktaAiw, person: DemoPerson) -> Step:
    return Step(f"Deactivate {person.full_name}", "People deactivated", lambda: okta.deactivate(person))


def reactivate(okta: OktaAiw, person: DemoPerson) -> Step:
    return Step(f"Reactivate {person.full_name}", "People reactivated", lambda: okta.push_person(person))


def unlink_group(okta: OktaAiw, name: str) -> Step:
    return Step(f"Unlink the group {name}", "Groups unlinked", lambda: okta.unlink_group(name))


def _push_person(okta: OktaAiw, person: DemoPerson) -> Step:
    return Step(f"Push {person.full_name}", "People pushed", lambda: okta.push_person(person))


def _push_group(okta: OktaAiw, name: str) -> Step:
    return Step(f"Push the group {name}", "Groups pushed", lambda: okta.push_group(name))


def carry_out(steps: Sequence[Step], transcript: Transcript) -> bool:
    """Do all of them, and sum up. Return whether everything was taken."""
    done = Counter({step.counted_as: 0 for step in steps})
    for number, step in enumerate(steps, 1):
        transcript.heading(number, len(steps), step.title)
        try:
            step.act()
        except Refused:
            continue
        done[step.counted_as] += 1
    refused = len(steps) - done.total()
    transcript.say()
    for label, count in {**done, "Refused": refused}.items():
        transcript.say(f"{label:<20}{count:>3}")
    return refused == 0
