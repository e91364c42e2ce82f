"""The parts of the command `connection` about people and keys. The command itself is in `core_identity.config`."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from core_identity.clock import database_now
from core_identity.command_line import AnsweringCommand, changing
from core_identity.errors import NotFound
from core_identity.models import Burst, Identity, IdentityUid
from core_identity.selectors.bursts import BurstPlan, open_bursts, plan_of
from core_identity.selectors.connections import connection_by_slug
from core_identity.selectors.mismatches import LATELY, mismatches, perhaps_pushed_too, refused_lately
from core_identity.services.bursts import settle_burst, unexpire_burst
from core_identity.services.succession import end_rekey, plan_rekey, rekey, succeed


class PeopleActs(AnsweringCommand):
    def add_people_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        pairing = add("mismatches", "list people who may be known twice: by SCIM with one UID, by SSO with another")
        pairing.add_argument("slug", metavar="SLUG")

        rekeying = changing(add("rekey", "let UIDs or externalIds of a connection change for a while"))
        rekeying.add_argument("slug", metavar="SLUG")
        rekeying.add_argument(
            "--days", type=int, default=14, help="how many days, at most 90 (default 14); 0 ends a re-key"
        )
        rekeying.add_argument("--uid-attribute", metavar="NAME", help="the new name of the UID attribute")
        rekeying.add_argument("--uid-rule", metavar="RULE", help="the new rule: name, email or other")
        succeeding = changing(
            add("succeed", "let SUCCESSOR take over the people of FORMER, which is then switched off")
        )
        succeeding.add_argument("former", metavar="FORMER")
        succeeding.add_argument("successor", metavar="SUCCESSOR")

        listing = add("bursts", "list bursts of deactivations that need a decision")
        listing.add_argument("slug", metavar="SLUG")
        for name, help_text in (
            ("unexpire-burst", "unexpire the people of the oldest burst whom the IdP reactivated"),
            ("settle-burst", "settle the oldest burst: the deactivations were intended"),
        ):
            changing(add(name, help_text)).add_argument("slug", metavar="SLUG")

    def act_mismatches(self, *, slug: str, json: bool, **_: Any) -> None:
        connection = connection_by_slug(slug)
        pairs = mismatches(connection, list(perhaps_pushed_too(connection)))
        pairs_found, lines = [], []
        for pair in pairs:
            sides = {channel.lower(): _side(identity) for channel, identity in pair.sides}
            pairs_found.append({"shared": pair.shared, "cause": pair.cause, **sides})
            lines += [f"{pair.shared}: {pair.cause}"]
            lines += [f"  {channel:<4}  UID {side['uid']}, user {side['username']}" for channel, side in sides.items()]
        refused = refused_lately(connection)
        lines += [f"Pairs: {len(pairs)}. Refused as conflicts in the last {LATELY.days} days: {refused}."]
        self.answer({"mismatches": pairs_found, "refused_lately": refused}, as_json=json, lines=lines)

    def act_rekey(
        self,
        *,
        slug: str,
        days: int,
        uid_attribute: str | None,
        uid_rule: str | None,
        reason: str,
        json: bool,
        **_: Any,
    ) -> None:
        connection = connection_by_slug(slug)
        plan = plan_rekey(connection)
        if days == 0:
            changed = end_rekey(actor=self.actor, connection_id=connection.pk, reason=reason)
        else:
            changed = rekey(
                actor=self.actor,
                connection_id=connection.pk,
                until=database_now() + timedelta(days=days),
                uid_attribute=uid_attribute,
                uid_rule=uid_rule,
                reason=reason,
            )
        until = changed.rekey_until.isoformat() if changed.rekey_until else None
        counts = {"derived": plan.derived, "by_sign_in": plan.by_sign_in, "cannot": plan.cannot}
        document = {"connection": slug, "rekey_until": until, "follow": plan.pushed, **counts}
        lines = [
            f"{slug} is in re-key until {until}." if until else f"{slug} is no longer in re-key.",
            f"{plan.pushed} people can change any one of UID, externalId and userName.",
            f"{plan.derived} have only a UID derived from the userName. They can get a UID, but not a new externalId.",
            f"{plan.by_sign_in} are known by sign-in only. Their UID or externalId can change if the assertion contains externalId and NameID.",
            f"{plan.cannot} cannot change: they are inactive, or have too few keys.",
        ]
        self.answer(document, as_json=json, lines=lines)

    def act_succeed(self, *, former: str, successor: str, reason: str, json: bool, **_: Any) -> None:
        plan = succeed(
            actor=self.actor,
            former_id=connection_by_slug(former).pk,
            successor_id=connection_by_slug(successor).pk,
            reason=reason,
        )
        document = {
            "former": former,
            "successor": successor,
            "identities_moved": plan.moves,
            "identities_left": [str(one) for one in plan.stays],
            "push_groups_moved": plan.groups,
            "push_groups_left": list(plan.groups_stay),
        }
        lines = [f"{plan.moves} people and {plan.groups} push groups of {former} belong to {successor} now."]
        lines += [f"stays: {one}, because {successor} knows this person already" for one in plan.stays]
        self.answer(document, as_json=json, lines=lines)

    def act_bursts(self, *, slug: str, json: bool, **_: Any) -> None:
        connection = connection_by_slug(slug)
        bursts = [
            _burst_document(burst, plan_of(burst, guarded_too=True))
            for burst in open_bursts().filter(connection=connection)
        ]
        lines = [
            f"{one['began_at']} to {one['last_at']}: {len(one['active_again'])} active again, "
            f"{len(one['changed_since'])} of them changed since, {len(one['inactive'])} inactive"
            for one in bursts
        ]
        self.answer({"bursts": bursts}, as_json=json, lines=lines or [f"There is no burst of deactivations in {slug}."])

    def act_unexpire_burst(self, *, slug: str, reason: str, json: bool, **_: Any) -> None:
        burst = _oldest_burst(slug)
        plan = unexpire_burst(actor=self.actor, burst_id=burst.pk, reason=reason)
        document = _burst_document(burst, plan)
        lines = [f"unexpired  {name}" for name in document["active_again"]]
        lines += [
            f"refused    {name}: the IdP changed a key since the expiry. Check this person."
            for name in document["changed_since"]
        ]
        self.answer(document, as_json=json, lines=lines or ["Nobody in the burst is active again."])

    def act_settle_burst(self, *, slug: str, reason: str, json: bool, **_: Any) -> None:
        burst = _oldest_burst(slug)
        settle_burst(actor=self.actor, burst_id=burst.pk, reason=reason)
        document = _burst_document(burst, plan_of(burst, guarded_too=True))
        self.answer(
            document, as_json=json, lines=[f"Settled. The people of the burst of {document['began_at']} stay expired."]
        )


def _oldest_burst(slug: str) -> Burst:
    burst = open_bursts().filter(connection=connection_by_slug(slug)).first()
    if burst is None:
        raise NotFound(f"There is no burst of deactivations in {slug}.")
    return burst


def _burst_document(burst: Burst, plan: BurstPlan) -> dict[str, Any]:
    return {
        "id": str(burst.pk),
        "connection": burst.connection.slug,
        "began_at": burst.began_at.isoformat(),
        "last_at": burst.last_at.isoformat(),
        "active_again": [str(user) for user in plan.unexpires],
        "changed_since": [str(user) for user in plan.changed],
        "inactive": [str(user) for user in plan.inactive],
    }


def _side(identity: Identity) -> dict[str, str | bool | None]:
    """Return one side of a mismatch as plain JSON values."""
    uids: list[IdentityUid] = identity.current_uids  # type: ignore[attr-defined]  # by core_identity.mismatches
    return {
        "user": str(identity.user_id),
        "username": identity.user.username,
        "uid": uids[0].uid if uids else None,
        "user_name": identity.user_name or None,
        "name_id": identity.name_id or None,
        "email": identity.email or None,
        "active": identity.active,
        "expired": identity.user.expired_at is not None,
    }
