from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from core_identity.command_line import USAGE, AnsweringCommand, changing
from core_identity.models import User
from core_identity.selectors.connections import connection_by_slug
from core_identity.selectors.groups import role_by_name
from core_identity.selectors.story import story
from core_identity.selectors.users import find_user, uid_row
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire, unexpire
from core_identity.services.links import offer, offerable, release, relink
from core_identity.services.merge import merge, plan_merge
from core_identity.services.roles import grant_role, revoke_role
from core_identity.services.sessions import end_sessions

AT_ONCE = 500


class Command(AnsweringCommand):
    help = "Show, expire, unexpire, merge, offer or erase a user, correct their UIDs, give roles, and end sessions."

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        _whom(add("show", "show the whole history of a user"))
        for name, help_text in (("expire", "end a user's access"), ("unexpire", "let an expired user sign in again")):
            act = changing(_whom(add(name, help_text)))
            if name == "unexpire":
                act.add_argument("--without-roles", action="store_true", help="end all grants first")

        changing(_whom(add("end-sessions", "end all sessions of a user, who may sign in again")))
        for name, help_text in (
            ("give-role", "give a role by hand"),
            ("take-role", "end a role that was given by hand"),
        ):
            changing(_whom(add(name, help_text))).add_argument("role", metavar="ROLE", help="name or alias of the role")

        merging = changing(add("merge", "join two users; GONE becomes part of KEPT"))
        merging.add_argument("kept", metavar="KEPT", help="UID, userName, username, email or id of the user to keep")
        merging.add_argument("gone", metavar="GONE", help="the same of the other user")
        relinking = changing(add("relink", "give a user another UID in a connection"))
        relinking.add_argument("key", metavar="KEY", help="UID, userName, username, email or id")
        relinking.add_argument("--connection", metavar="SLUG", required=True)
        relinking.add_argument("--uid", required=True, help="the new UID, as the identity provider sends it")
        releasing = changing(add("release", "release a former UID, or any UID of an expired user"))
        releasing.add_argument("uid", metavar="UID")
        releasing.add_argument("--connection", metavar="SLUG", required=True)
        offering = changing(
            add("offer", "offer users that administrators created to the IdP, which can then claim them")
        )
        offering.add_argument("keys", metavar="KEY", nargs="*")
        offering.add_argument("--connection", metavar="SLUG", required=True)
        offering.add_argument(
            "--domain", help="all users of the customer with an email in this domain who can be offered"
        )

        erasing = changing(_whom(add("erase", "blank the values of an expired user; this cannot be undone")))
        erasing.epilog = "This cannot be undone. Try it with --dry-run first."

    def act_erase(self, *, key: str, connection: str | None, reason: str, json: bool, **_: Any) -> None:
        plan = erase(actor=self.actor, user_id=_find(key, connection).pk, reason=reason)
        document = {
            "erased": [str(one.pk) for one in plan.people],
            "identities": len(plan.identities),
            "conflicts": plan.conflicts,
            "events": plan.events,
            "roles_ended": plan.grants,
        }
        lines = [f"{plan.user.pk} is erased: {len(plan.identities)} identities, the texts of {plan.events} events."]
        self.answer(document, as_json=json, lines=lines)

    def act_end_sessions(self, *, key: str, connection: str | None, reason: str, json: bool, **_: Any) -> None:
        user = _find(key, connection)
        ended = end_sessions(actor=self.actor, user_id=user.pk, reason=reason)
        self.answer({"user": str(user.pk), "ended": ended}, as_json=json, lines=[f"Sessions of {user} ended: {ended}."])

    def act_give_role(self, *, key: str, connection: str | None, role: str, reason: str, json: bool, **_: Any) -> None:
        user = _find(key, connection)
        grant_role(actor=self.actor, user_id=user.pk, role_id=role_by_name(role).pk, reason=reason)
        self._show(user, as_json=json)

    def act_take_role(self, *, key: str, connection: str | None, role: str, reason: str, json: bool, **_: Any) -> None:
        user = _find(key, connection)
        revoke_role(actor=self.actor, user_id=user.pk, role_id=role_by_name(role).pk, reason=reason)
        self._show(user, as_json=json)

    def act_merge(self, *, kept: str, gone: str, reason: str, json: bool, **_: Any) -> None:
        stays, goes = find_user(kept), find_user(gone)
        plan = plan_merge(kept_id=stays.pk, gone_id=goes.pk)
        merge(actor=self.actor, kept_id=stays.pk, gone_id=goes.pk, reason=reason)
        moved = {name: after for name, (_before, after) in plan.as_changes().items()}
        document = {"kept": str(stays.pk), "gone": str(goes.pk), **moved}
        lines = [f"{goes} is part of {stays} now."]
        lines += [f"{name.replace('_', ' ')}: {value}" for name, value in moved.items() if name != "user"]
        self.answer(document, as_json=json, lines=lines)

    def act_relink(self, *, key: str, connection: str, uid: str, reason: str, json: bool, **_: Any) -> None:
        where = connection_by_slug(connection)
        user = find_user(key, connection=where)
        relink(actor=self.actor, identity_id=user.identities.get(connection=where).pk, uid=uid, reason=reason)
        self._show(user, as_json=json)

    def act_release(self, *, uid: str, connection: str, reason: str, json: bool, **_: Any) -> None:
        row = uid_row(connection_by_slug(connection), uid)
        release(actor=self.actor, uid_id=row.pk, reason=reason)
        self.answer({"released": row.uid}, as_json=json, lines=[f"The UID {row.uid} is free."])

    def act_offer(
        self, *, keys: list[str], connection: str, domain: str | None, reason: str, json: bool, **_: Any
    ) -> None:
        if not keys and not domain:
            raise CommandError("Give at least one user, or a domain with --domain.", returncode=USAGE)
        where = connection_by_slug(connection)
        named = [find_user(one).pk for one in keys]
        ids = list(dict.fromkeys([*named, *(offerable(where, domain) if domain else [])]))
        done = 0
        for batch in (ids[at : at + AT_ONCE] for at in range(0, len(ids), AT_ONCE)):
            done += offer(actor=self.actor, connection=where, user_ids=batch, reason=reason)
            self.progress(done, len(ids), "offered")
        document = {"offered": done, "connection": where.slug}
        self.answer(document, as_json=json, lines=[f"{done} people are offered to {where}."])

    def act_show(self, *, key: str, connection: str | None, json: bool, **_: Any) -> None:
        self._show(_find(key, connection), as_json=json)

    def act_expire(self, *, key: str, connection: str | None, reason: str, json: bool, **_: Any) -> None:
        self._show(expire(actor=self.actor, user_id=_find(key, connection).pk, reason=reason), as_json=json)

    def act_unexpire(
        self, *, key: str, connection: str | None, reason: str, without_roles: bool, json: bool, **_: Any
    ) -> None:
        user = unexpire(
            actor=self.actor, user_id=_find(key, connection).pk, reason=reason, keep_roles=not without_roles
        )
        self._show(user, as_json=json)

    def _show(self, user: User, *, as_json: bool) -> None:
        document = story(user, events=None)
        lines = [
            f"{document['username']}  <{document['email']}>  {document['first_name']} {document['last_name']}".rstrip(),
            f"status      {document['status']}",
        ]
        if document["expired"]:
            lines.append("expired     {at} by {by} ({channel}): {reason}".format(**document["expired"]))
        lines += [
            f"identity    {one['connection']}: UID {one['uid']}{' (derived)' if one['uid_derived'] else ''}, "
            f"userName {one['user_name']}, {'active' if one['active'] else 'inactive'}"
            for one in document["identities"]
        ]
        for role in document["roles"]:
            ways = ", ".join(" ".join(part for part in source.values() if part) for source in role["sources"])
            lines.append(f"role        {role['name']} ({ways})")
        lines += [f"event       {one['at']} {one['kind']} by {one['actor']}" for one in document["events"][:20]]
        self.answer(document, as_json=as_json, lines=lines)


def _whom(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("key", metavar="KEY", help="UID, userName, username, email or id")
    parser.add_argument("--connection", metavar="SLUG", help="search only among the people of this connection")
    return parser


def _find(key: str, slug: str | None) -> User:
    return find_user(key, connection=connection_by_slug(slug) if slug else None)
