from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from core_identity.command_exports import LogCommand, moment
from core_identity.errors import Ambiguous, NotFound
from core_identity.selectors.connections import connection_by_slug
from sso.models import SignInRecord
from sso.sign_in.log import COLUMNS, by_reference, records_between
from sso.sign_in.remedies import remedy_for

LISTED: Final = 50
SIGNS: Final = {True: "ok  ", False: "FAIL", None: "-   "}


class Command(LogCommand):
    help = "Find out why a sign-in was refused, or export the sign-in log."
    exported = "sign-ins"
    columns = COLUMNS
    records_between = staticmethod(records_between)

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        showing = add("show", "every check of the sign-in with this reference, and its outcome")
        showing.add_argument("reference", metavar="REFERENCE", help="the reference; its first characters are enough")
        listing = add("list", "the newest sign-ins")
        listing.add_argument("--connection", metavar="SLUG", help="only those of this connection")
        listing.add_argument("--refused", action="store_true", help="only those that were refused")
        listing.add_argument("--since", metavar="ISO", type=moment, help="from this date or time on")
        listing.add_argument("--most", metavar="N", type=int, default=LISTED, help=f"how many; {LISTED} by default")
        exporting = add("export", "write sign-ins, the oldest first; nothing else is on stdout, progress is on stderr")
        self.add_export_arguments(exporting)

    def act_show(self, *, reference: str, json: bool, **_: Any) -> None:
        found = list(by_reference(reference)[:2])
        if not found:
            raise NotFound(f"There is no sign-in {reference!r} in the sign-in log.")
        if len(found) > 1:
            raise Ambiguous(f"Several sign-ins have a reference that begins with {reference!r}. Give more characters.")
        document = _document(found[0])
        facts = [
            f"{name}: {_shown(value)}"
            for name, value in document.items()
            if name != "checks" and value not in (None, "", [])
        ]
        advice = remedy_for(document["outcome"], document["checks"])
        remedy = [f"what to do: {advice}"] if advice else []
        self.answer(
            document, as_json=json, lines=[*facts, *remedy, "", *(_line(check) for check in document["checks"])]
        )

    def act_list(
        self, *, connection: str | None, refused: bool, since: datetime | None, most: int, json: bool, **_: Any
    ) -> None:
        slug = connection_by_slug(connection).slug if connection else None
        found = [_document(one) for one in records_between(since=since, slug=slug, refused=refused)[: max(0, most)]]
        lines = [
            f"{one['at']}  {one['reference']}  {one['connection']}  {one['outcome']}  {one['decision']}"
            for one in found
        ]
        short = [{name: value for name, value in one.items() if name != "checks"} for one in found]
        self.answer(short, as_json=json, lines=lines or ["None."])


def _document(record: SignInRecord) -> dict[str, Any]:
    plain = {name: getattr(record, field) for name, field in COLUMNS.items()}
    kept = (bool, int, list, type(None))
    return {name: value if isinstance(value, kept) else str(value) for name, value in plain.items()}


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _line(check: dict[str, Any]) -> str:
    parts = [f"{name}: {check[name]}" for name in ("expected", "received") if name in check]
    unverified = " (unverified)" if check.get("unverified") and "received" in check else ""
    return f"{SIGNS[check['passed']]} {check['check']}{''.join(f'; {one}' for one in parts)}{unverified}"
