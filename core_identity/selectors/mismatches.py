"""Find people who probably have two users, because each channel sent another UID (R5, R7, R37)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from core_identity.errors import Conflict, NoMark
from core_identity.models import Connection, Event, Identity, IdentityUid, User
from core_identity.models.event import REFUSED_KINDS
from core_identity.policy.mismatch import ChannelValues, probable_cause

LATELY: Final = timedelta(days=7)
LOOKED_AT: Final = 200
"""People of each connection that a list of all connections looks at. The page of the connection looks at all."""
PAIRS: Final = (
    ("name_id_key", "user_name_key"),
    ("email_key", "email_key"),
    ("name_id_key", "email_key"),
    ("email_key", "user_name_key"),
)
"""The values of one person that a sign-in and a push may share, the most certain pair first."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two identities of one connection that probably belong to one person.

    SCIM never pushed ``sso``, and ``scim`` never signed in. Both have the name or email ``shared``.
    """

    sso: Identity
    scim: Identity
    shared: str
    cause: str

    @property
    def sides(self) -> tuple[tuple[str, Identity], tuple[str, Identity]]:
        return ("SCIM", self.scim), ("SSO", self.sso)


def perhaps_pushed_too(connection: Connection) -> QuerySet[Identity]:
    """Return the identities that only SSO knows, and whose NameID or email SCIM pushed for a person who never signed in; the newest first.

    Each of `PAIRS` is one semi-join, so the cost grows only with the number of people, even if all of them share one address. If an administrator
    permitted people to share an address, the address pairs nobody.
    """
    by_sso, by_scim = _by_sso_only(connection), _by_scim_only(connection)
    paired = []
    for by_sign_in, pushed in PAIRS:
        ours, theirs = by_sso.exclude(**{by_sign_in: ""}), by_scim.filter(**{pushed: OuterRef(by_sign_in)})
        if by_sign_in == pushed:
            ours, theirs = ours.filter(user__email_shared=False), theirs.filter(user__email_shared=False)
        paired.append(ours.filter(Exists(theirs)).order_by().values("pk"))
    return _loaded(by_sso.filter(pk__in=paired[0].union(*paired[1:]))).order_by("-created_at", "id")


def mismatches(connection: Connection, found: Sequence[Identity]) -> list[Mismatch]:
    """Return ``found``, a page of `perhaps_pushed_too`, each with its counterpart and the probable cause. Four queries at most."""
    return _paired(found, _by_scim_only(connection))


def newest_mismatches(connections: Collection[Connection] | None, pair: int | None = None) -> QuerySet[Identity]:
    """Return what `perhaps_pushed_too` returns, of many connections (None: all) and for one of `PAIRS` or any.

    Of each connection this looks only at the `LOOKED_AT` newest people whom SCIM has not pushed, so the cost does not grow with all people.
    """
    pairs = PAIRS if pair is None else PAIRS[pair : pair + 1]
    agree = " OR ".join(_agree(*one) for one in pairs)
    chosen = "" if connections is None else "connection.id = ANY(%s) AND"
    params = [] if connections is None else [[connection.pk for connection in connections]]
    found = RawSQL(_NEWEST.format(chosen=chosen, agree=agree), params)  # noqa: S611 - names of our own
    loaded = _loaded(Identity.objects.filter(pk__in=found)).select_related("user", "connection")
    return loaded.order_by("-created_at", "id")


def mismatches_across(found: Sequence[Identity]) -> list[Mismatch]:
    """Return ``found``, a page of `newest_mismatches`, as `mismatches` does. Four queries at most."""
    connections = {identity.connection_id for identity in found}
    return _paired(found, _scim_only().filter(connection__in=connections))


def _paired(found: Sequence[Identity], by_scim_only: QuerySet[Identity]) -> list[Mismatch]:
    names = {name for sso in found for name in (sso.name_id_key, sso.email_key) if name}
    by_scim = _loaded(by_scim_only)
    # One identity of a connection for each name, because thousands may share an address.
    by_email = by_scim.filter(email_key__in=names).order_by(
        "connection_id", "email_key", "user__email_shared", "created_at", "id"
    )
    by_name = by_scim.filter(user_name_key__in=names)
    pushed_by: dict[str, dict[tuple[UUID, str | None], Identity]] = {
        "user_name_key": {(scim.connection_id, scim.user_name_key): scim for scim in by_name},
        "email_key": {
            (scim.connection_id, scim.email_key): scim for scim in by_email.distinct("connection_id", "email_key")
        },
    }
    pairs = []
    for sso in found:
        for by_sign_in, pushed in PAIRS:
            name = getattr(sso, by_sign_in)
            scim = pushed_by[pushed].get((sso.connection_id, name)) if name else None
            if scim and not (by_sign_in == pushed and (sso.user.email_shared or scim.user.email_shared)):
                pairs.append(Mismatch(sso, scim, name, probable_cause(_values(scim), _values(sso))))
                break
    return pairs


def refused_lately(connection: Connection) -> int:
    """Return the number of pushes and sign-ins that were refused as conflicts in the last days. These people have no row (R8b, R9)."""
    codes = Q(reason__startswith=f"{Conflict.code}:") | Q(reason__startswith=f"{NoMark.code}:")
    since = timezone.now() - LATELY
    return Event.objects.filter(codes, connection_id=connection.pk, kind__in=REFUSED_KINDS, at__gte=since).count()


def _by_sso_only(connection: Connection) -> QuerySet[Identity]:
    return Identity.objects.filter(connection=connection, pushed_at__isnull=True, deleted_at__isnull=True)


def _by_scim_only(connection: Connection) -> QuerySet[Identity]:
    return _scim_only().filter(connection=connection)


def _scim_only() -> QuerySet[Identity]:
    return Identity.objects.filter(pushed_at__isnull=False, signed_in_at__isnull=True, deleted_at__isnull=True)


def _agree(by_sign_in: str, pushed: str) -> str:
    """Return the SQL condition for a pair of values of `PAIRS`."""
    apart = " AND NOT one.email_shared AND NOT other.email_shared" if by_sign_in == pushed else ""
    return f"""(one.{by_sign_in} <> '' AND EXISTS (
        SELECT FROM {_IDENTITY} AS scim JOIN {_USER} AS other ON other.id = scim.user_id
        WHERE scim.connection_id = connection.id AND scim.{pushed} = one.{by_sign_in}
        AND scim.pushed_at IS NOT NULL AND scim.signed_in_at IS NULL AND scim.deleted_at IS NULL{apart}
    ))"""


_CONNECTION, _IDENTITY, _USER = (model._meta.db_table for model in (Connection, Identity, User))

_NEWEST: Final = f"""(
SELECT one.id FROM {_CONNECTION} AS connection CROSS JOIN LATERAL (
    SELECT id, name_id_key, email_key, (SELECT email_shared FROM {_USER} AS owner WHERE owner.id = user_id) AS email_shared
    FROM {_IDENTITY}
    WHERE connection_id = connection.id AND pushed_at IS NULL AND deleted_at IS NULL ORDER BY created_at DESC, id LIMIT {LOOKED_AT}
) AS one
WHERE {{chosen}} ({{agree}})
)"""  # noqa: S608 - names of our own


def _loaded(identities: QuerySet[Identity]) -> QuerySet[Identity]:
    uids = Prefetch("uids", queryset=IdentityUid.objects.filter(current=True), to_attr="current_uids")
    return identities.select_related("user").prefetch_related(uids)


def _values(identity: Identity) -> ChannelValues:
    uid = next(iter(identity.current_uids), None)  # type: ignore[attr-defined]  # by _loaded
    others = {
        "userName": identity.user_name,
        "externalId": identity.external_id or "",
        "NameID": identity.name_id,
        "email": identity.email,
    }
    return ChannelValues(uid.uid if uid else "", bool(uid and uid.derived), others)
