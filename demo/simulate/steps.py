"""The possible steps: single acts, everything at once, or the story of a customer's first weeks."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from demo.people import GROUPS, PEOPLE
from demo.simulate.directory import Account, PushedGroup
from demo.simulate.entra import Entra
from demo.simulate.okta import OktaAiw
from demo.simulate.scim_client import Refused
from demo.simulate.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Step:
    """``counted_as`` is its line in the summary. ``act`` raises `Refused` if the server refuses."""

    title: str
    counted_as: str
    act: Callable[[], None]


def test_connection(okta: OktaAiw) -> Step:
    return Step("Test the connection", "Connection tested", okta.test_connection)


def push_everything(okta: OktaAiw) -> list[Step]:
    """The connection test, then all people, then all groups, whose members have to be known first."""
    return [
        test_connection(okta),
        *(push_person(okta, account) for account in okta.directory.people.values()),
        *(push_group(okta, group) for group in okta.directory.groups.values()),
    ]


def push_person(okta: OktaAiw, account: Account) -> Step:
    return Step(f"Push {account.person.full_name}", "People pushed", lambda: okta.push_person(account))


def deactivate(okta: OktaAiw, account: Account) -> Step:
    return Step(f"Deactivate {account.person.full_name}", "People deactivated", lambda: okta.deactivate(account))


def reactivate(okta: OktaAiw, account: Account) -> Step:
    return Step(f"Reactivate {account.person.full_name}", "People reactivated", lambda: okta.push_person(account))


def delete(entra: Entra, account: Account) -> Step:
    return Step(f"Delete {account.person.full_name}", "People deleted", lambda: entra.delete(account))


def push_group(okta: OktaAiw, group: PushedGroup) -> Step:
    return Step(f"Push the group {group.name}", "Groups pushed", lambda: okta.push_group(group))


def unlink_group(okta: OktaAiw, group: PushedGroup) -> Step:
    return Step(f"Unlink the group {group.name}", "Groups unlinked", lambda: okta.unlink_group(group))


def rename_person(okta: OktaAiw, account: Account, *, login: str, last_name: str) -> Step:
    """Somebody marries: the userName and the email change, the UID does not."""

    def act() -> None:
        account.person = replace(account.person, login=login, last_name=last_name)
        okta.push_person(account)

    return Step(f"Rename {account.person.full_name} to {login}", "People renamed", act)


def rename_group(okta: OktaAiw, group: PushedGroup, name: str) -> Step:
    def act() -> None:
        group.name = name
        okta.push_group(group)

    return Step(f"Rename the group {group.name} to {name}", "Groups renamed", act)


def story(okta: OktaAiw) -> list[Step]:
    """Ten people are hired, one marries, one leaves and returns; three groups come, one of them without a role; one is renamed and unlinked.

    It begins with the directory as it was at first: `Directory.reset`.
    """
    people, groups = okta.directory.people, okta.directory.groups
    zoe, sam, viewers, name = people["00u2zoe"], people["00u3sam"], groups["Viewers"], okta.calls_viewers
    return [
        test_connection(okta),
        *(replace(push_person(okta, people[one.okta_id]), title=f"Hire {one.full_name}") for one in PEOPLE),
        replace(rename_person(okta, zoe, login="zoe.haddad@acme.test", last_name="Haddad"), title="Zoë Müller marries"),
        deactivate(okta, sam),
        reactivate(okta, sam),
        *(replace(push_group(okta, groups[one]), title=f"Push the group {one}") for one in GROUPS),
        replace(rename_group(okta, viewers, name), title=f"Rename the group Viewers to {name}"),
        replace(unlink_group(okta, viewers), title=f"Unlink the group {name}"),
    ]


def entra_story(entra: Entra) -> list[Step]:
    """The same weeks with Entra, which deletes people, too: disabled at first, thirty days later for good."""
    aiko, editors = entra.directory.people["00u7aiko"], entra.directory.groups["Editors"]
    return [
        *story(entra),
        replace(deactivate(entra, aiko), title="Aiko Tanaka is deleted in Entra: disabled at first"),
        replace(push_group(entra, editors), title="Take Aiko Tanaka out of the group Editors"),
        replace(delete(entra, aiko), title="Thirty days later Aiko Tanaka is deleted for good"),
    ]


def carry_out(steps: Sequence[Step], transcript: Transcript) -> bool:
    """Do all of them, and sum up; something refused does not stop the rest. Return whether everything was taken."""
    done = Counter({step.counted_as: 0 for step in steps})
    for number, step in enumerate(steps, 1):
        transcript.heading(number, len(steps), step.title)
        try:
            step.act()
        except Refused:
            continue
        done[step.counted_as] += 1
    transcript.done()
    refused = len(steps) - done.total()
    transcript.say()
    for label, count in {**done, "Refused": refused}.items():
        transcript.say(f"{label:<20}{count:>3}")
    return refused == 0
