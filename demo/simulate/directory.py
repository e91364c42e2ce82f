"""The memory of Okta: its people and groups as they are now, the assigned people, and the server's ids of everything that it pushed."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from demo.people import GROUPS, PEOPLE, DemoPerson
from demo.simulate.private_file import read_json, write_json


@dataclass(slots=True)
class Account:
    """Somebody in Okta. ``link`` is the id that CORE answered; ``trouble`` what Okta's dashboard would show in red."""

    person: DemoPerson
    assigned: bool = False
    link: str | None = None
    trouble: str = ""


@dataclass(slots=True)
class PushedGroup:
    """``name`` is the present one; ``was`` the one it began with, by which people are in it; ``members`` the ids that Entra sent last."""

    was: str
    name: str
    link: str | None = None
    pushed: bool = False
    trouble: str = ""
    members: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Directory:
    """``base_url`` is where the links lead: against another server nobody is linked."""

    base_url: str
    people: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, PushedGroup] = field(default_factory=dict)
    steps_done: list[int] = field(default_factory=list)
    """The steps of the story that were done, by their place in it."""

    def __post_init__(self) -> None:
        for person in PEOPLE:
            self.people.setdefault(person.okta_id, Account(person))
        for name in GROUPS:
            self.groups.setdefault(name, PushedGroup(name, name))

    def members_of(self, group: PushedGroup) -> list[Account]:
        """Return who is in the group, assigned to the app, and known to CORE: nobody else can be pushed as a member."""
        return [
            one
            for one in self.people.values()
            if group.was in one.person.groups and one.assigned and one.link is not None
        ]

    def begin_again(self, *, keeps_links: bool) -> None:
        """Reset everything. Okta forgets which people it has created, so the next push creates all of them."""
        self.reset()
        if not keeps_links:
            self.people = {person.okta_id: Account(person) for person in PEOPLE}
            self.groups = {name: PushedGroup(name, name) for name in GROUPS}

    def reset(self) -> None:
        """Make all people and groups what they were at first. The links stay: Okta forgets no id that it was given."""
        for account, person in zip(self.people.values(), PEOPLE, strict=True):
            account.person = person
        for group in self.groups.values():
            group.name = group.was
        self.steps_done = []


@contextmanager
def open_directory(file: Path, base_url: str) -> Iterator[Directory]:
    """Hand out the directory kept in ``file`` and write it back, also after a failure; one at a time, over processes."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        directory = read_directory(file, base_url)
        try:
            yield directory
        finally:
            write_json(file, asdict(directory))


def read_directory(file: Path, base_url: str) -> Directory:
    """Return the stored directory without waiting for its lock. If it belongs to another server or has an older form, return an empty one."""
    kept = read_json(file)
    if kept.get("base_url") != base_url:
        return Directory(base_url)
    try:
        people = {key: _account(value) for key, value in kept["people"].items()}
        groups = {key: PushedGroup(**value) for key, value in kept["groups"].items()}
    except (AttributeError, KeyError, TypeError):
        return Directory(base_url)
    known = {person.okta_id for person in PEOPLE}
    steps_done = [number for number in kept.get("steps_done", []) if isinstance(number, int)]
    return Directory(base_url, people, groups, steps_done) if set(people) == known else Directory(base_url)


def _account(value: dict[str, Any]) -> Account:
    person = {one.name: value["person"][one.name] for one in fields(DemoPerson)}
    return Account(**{**value, "person": DemoPerson(**{**person, "groups": tuple(person["groups"])})})
