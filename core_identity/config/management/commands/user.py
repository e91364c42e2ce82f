from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from core_identity.config.answers import AnsweringCommand
from core_identity.models import User
from core_identity.selectors import connection_by_slug, find_user, story
from core_identity.services.expiry import expire, unexpire


class Command(AnsweringCommand):
    help = "Show, expire or unexpire a user."

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        _whom(add("show", "tell the whole story of a user"))
        for name, help_text in (("expire", "end a user's access"), ("unexpire", "let an expired user sign in again")):
            act = _whom(add(name, help_text))
            act.add_argument("--reason", required=True, help="why; it stands in the user's story")
            if name == "unexpire":
                act.add_argument("--without-roles", action="store_true", help="end all grants first")

    def act_show(self, *, key: str, connection: str | None, json: bool, **_: Any) -> None:
        self._tell(_find(key, connection), as_json=json)

    def act_expire(self, *, key: str, connection: str | None, reason: str, json: bool, **_: Any) -> None:
        self._tell(expire(actor=self.actor, user_id=_find(key, connection).pk, reason=reason), as_json=json)

    def act_unexpire(
        self, *, key: str, connection: str | None, reason: str, without_roles: bool, json: bool, **_: Any
    ) -> None:
        user = unexpire(
            actor=self.actor, user_id=_find(key, connection).pk, reason=reason, keep_roles=not without_roles
        )
        self._tell(user, as_json=json)

    def _tell(self, user: User, *, as_json: bool) -> None:
        told = story(user, events=None)
        lines = [
            f"{told['username']}  <{told['email']}>  {told['first_name']} {told['last_name']}".rstrip(),
            f"status      {told['status']}",
        ]
        if told["expired"]:
            lines.append("expired     {at} by {by} ({channel}): {reason}".format(**told["expired"]))
        lines += [
            f"identity    {one['connection']}: UID {one['uid']}{' (derived)' if one['uid_derived'] else ''}, "
            f"userName {one['user_name']}, {'active' if one['active'] else 'inactive'}"
            for one in told["identities"]
        ]
        for role in told["roles"]:
            ways = ", ".join(" ".join(part for part in source.values() if part) for source in role["sources"])
            lines.append(f"role        {role['name']} ({ways})")
        lines += [f"event       {one['at']} {one['kind']} by {one['actor']}" for one in told["events"][:20]]
        self.answer(told, as_json=as_json, lines=lines)


def _whom(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("key", metavar="KEY", help="UID, userName, username, email or id")
    parser.add_argument("--connection", metavar="SLUG", help="look only among the people of this connection")
    return parser


def _find(key: str, slug: str | None) -> User:
    return find_user(key, connection=connection_by_slug(slug) if slug else None)
