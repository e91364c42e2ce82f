"""The people in Okta beside the users in CORE, read by SCIM alone: the extension of CORE contains its own values."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from demo.simulate.directory import Account, Directory
from demo.simulate.scim_client import ScimClient

CORE: Final = "urn:core-identity:params:scim:schemas:extension:1.0:User"
PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One person; an empty text where a side does not know of them."""

    name: str
    okta_login: str
    okta_state: str
    core_state: str
    core_username: str
    core_email: str
    core_groups: str


HEADINGS: Final = Row("Person", "Okta: userName", "Okta", "CORE", "CORE: username", "email", "groups")


def compare(directory: Directory, client: ScimClient) -> list[Row]:
    """Return a row for each of Okta's people, and one for each person of the connection that Okta has no account for."""
    known = {str(one["id"]): one for one in _everybody(client)}
    accounts = directory.people.values()
    linked = {one.person.okta_id: known.pop(one.link) for one in accounts if one.link is not None and one.link in known}
    rows = [_row(one, linked.get(one.person.okta_id) or _of_login(one, known)) for one in accounts]
    return rows + [_row(None, resource) for resource in known.values()]


def table(rows: list[Row], idp: str = "Okta") -> str:
    """Return the rows under their headings, in columns of one width each."""
    headings = replace(HEADINGS, okta_login=f"{idp}: userName", okta_state=idp)
    cells = [[getattr(row, name) for name in Row.__slots__] for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def _everybody(client: ScimClient) -> Iterator[dict[str, Any]]:
    start = 1
    while True:
        answer = client.get("/Users", {"startIndex": start, "count": PAGE})
        resources = answer.get("Resources") or []
        yield from resources
        start += len(resources)
        if not resources or start > int(answer.get("totalResults", 0)):
            return


def _of_login(account: Account, known: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """An unassigned person has no link: the resource with the same externalId belongs to them."""
    for identifier, resource in known.items():
        if resource.get("externalId") == account.person.okta_id or resource.get("userName") == account.person.login:
            return known.pop(identifier)
    return None


def _row(account: Account | None, resource: dict[str, Any] | None) -> Row:
    values = (resource or {}).get(CORE) or {}
    state = "" if resource is None else "expired" if values.get("expired") else "may sign in"
    groups = ", ".join(str(group.get("display", "")) for group in (resource or {}).get("groups") or [])
    name = account.person.full_name if account else str((resource or {}).get("displayName") or "(not in Okta)")
    return Row(
        name=name,
        okta_login=account.person.login if account else "",
        okta_state=_okta_state(account),
        core_username=str(values.get("username", "")),
        core_email=str(values.get("email", "")),
        core_state=state,
        core_groups=groups,
    )


def _okta_state(account: Account | None) -> str:
    if account is None:
        return ""
    if account.trouble:
        return "refused"
    return "assigned" if account.assigned else "not assigned"
