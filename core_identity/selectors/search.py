"""Find what an administrator means by a few characters: look-ups in indexes only, so the cost does not grow with the number of people.

An exact match counts more than a beginning: a whole UID finds its owner only, and not the people whose names begin with it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from uuid import UUID

from django.db import connection as database
from django.db.models import Model, Q, QuerySet

from core_identity.keys import key
from core_identity.models import Connection, Customer, Event, Identity, IdentityUid, PushGroup, Role, User

Row = TypeVar("Row", bound=Model)

MOST: Final = 20
"""How many of one kind are found."""
SHORTEST: Final = 2
"""The minimum length of a beginning. An exact match needs one character."""
LONGEST: Final = 100
"""The number of characters of a name that are compared with a beginning."""
_LAST: Final = "\U0010ffff"

_USER, _IDENTITY, _UID, _CONNECTION, _GROUP = (
    model._meta.db_table for model in (User, Identity, IdentityUid, Connection, PushGroup)
)

_EXACT_USERS: Final = f"""
SELECT id FROM {_USER} WHERE username_key = %(key)s
UNION SELECT id FROM {_USER} WHERE email_key = %(key)s
UNION SELECT id FROM {_USER} WHERE id = %(id)s
UNION SELECT user_id FROM {_IDENTITY} WHERE scim_id = %(id)s
UNION SELECT user_id FROM {_IDENTITY} WHERE email_key = %(key)s
UNION SELECT one.user_id FROM {_CONNECTION} AS c CROSS JOIN LATERAL (
    (SELECT user_id FROM {_IDENTITY} WHERE connection_id = c.id AND user_name_key = %(key)s LIMIT 1)
    UNION ALL (SELECT user_id FROM {_IDENTITY} WHERE connection_id = c.id AND external_id = %(text)s LIMIT 1)
    UNION ALL (SELECT user_id FROM {_IDENTITY} WHERE connection_id = c.id AND name_id_key = %(key)s AND name_id_key <> '' LIMIT 3)
    UNION ALL (
        SELECT i.user_id FROM {_UID} AS n JOIN {_IDENTITY} AS i ON i.id = n.identity_id
        WHERE n.connection_id = c.id AND n.uid_key = %(key)s LIMIT 1
    )
) AS one
LIMIT {MOST + 1}
"""  # noqa: S608 - names of our own
"""The users with this username, email, userName, externalId, NameID, UID, id or SCIM id. Keys of identities are looked up in each connection."""

_LAST_NAME: Final = """lower(left((last_name), 100)) COLLATE "C\""""
_FULL_NAME: Final = """lower(left((first_name || ' ' || last_name), 100)) COLLATE "C\""""
_USERS_BY_BEGINNING: Final = f"""
(SELECT id FROM {_USER} WHERE username_key ~>=~ %(key)s AND username_key ~<~ %(key_end)s LIMIT %(most)s)
UNION (SELECT id FROM {_USER} WHERE {_LAST_NAME} >= lower(%(beginning)s) AND {_LAST_NAME} < lower(%(beginning_end)s) LIMIT %(most)s)
UNION (SELECT id FROM {_USER} WHERE {_FULL_NAME} >= lower(%(beginning)s) AND {_FULL_NAME} < lower(%(beginning_end)s) LIMIT %(most)s)
LIMIT %(most)s
"""  # noqa: S608
"""The users with a username, last name or full name that begins with this text. `User.Meta` has the indexes."""

_EXACT_GROUPS: Final = f"""
SELECT id FROM {_GROUP} WHERE name_key = %(key)s
UNION SELECT id FROM {_GROUP} WHERE scim_id = %(id)s
LIMIT {MOST + 1}
"""  # noqa: S608
_GROUPS_BY_BEGINNING: Final = f"""
SELECT id FROM {_GROUP} WHERE name_key ~>=~ %(key)s AND name_key ~<~ %(key_end)s ORDER BY name_key USING ~<~ LIMIT {MOST + 1}
"""  # noqa: S608


def users_named(text: str) -> Sequence[User]:
    """Return the users with exactly this key, of any kind; where there is none, those whose name begins with it. Four queries at most."""
    ids = ids_of_users_named(text)
    if not ids:
        return []
    return list(
        User.objects.select_related("customer")
        .prefetch_related("identities")
        .filter(pk__in=ids)
        .order_by("username_key")
    )


def ids_of_users_named(text: str) -> Sequence[UUID]:
    """Return the ids of `users_named`. One or two queries."""
    ids = _ids(_who_stayed(_EXACT_USERS), text)
    if ids or len(key(text)) < SHORTEST:
        return ids
    return _ids(_who_stayed(_USERS_BY_BEGINNING), text)


def user_ids(text: str, *, most: int) -> Sequence[UUID]:
    """Return the ids of the users with exactly this key, merged ones too; where there is none, of those whose name begins with it.

    At most one more than ``most``. One or two queries.
    """
    ids = _ids(_EXACT_USERS, text)
    if ids or len(key(text)) < SHORTEST:
        return ids
    return _ids(_USERS_BY_BEGINNING, text, most=most + 1)


def _who_stayed(found: str) -> str:
    """Return a statement for the same users; for a user who was merged, the one whose history continues (R11)."""
    return (
        f"SELECT DISTINCT coalesce(u.merged_into_id, u.id) FROM ({found}) AS found JOIN {_USER} AS u ON u.id = found.id"  # noqa: S608
    )


def groups_named(text: str) -> Sequence[PushGroup]:
    """Return the push groups with this name or SCIM id, of all connections; where there is none, those whose name begins with it.

    At most one more than `MOST`. Two or three queries.
    """
    ids = _ids(_EXACT_GROUPS, text)
    if not ids and len(key(text)) >= SHORTEST:
        ids = _ids(_GROUPS_BY_BEGINNING, text)
    found = PushGroup.objects.select_related("connection", "role").filter(pk__in=ids)
    return list(found.order_by("name_key", "connection__slug")) if ids else []


def roles_named(text: str) -> Sequence[Role]:
    """Return the role with this name, alias or id; where there is none, those whose name begins with it.

    At most one more than `MOST`. One or two queries.
    """
    name = key(text)
    exact = Role.objects.filter(Q(name_key=name) | Q(aliases__name_key=name) | Q(pk=_uuid(text))).distinct()
    return list(exact[: MOST + 1]) or _beginning(Role.objects.filter(name_key__startswith=name)[: MOST + 1], name)


def customers_named(text: str) -> Sequence[Customer]:
    """As `roles_named`."""
    name = key(text)
    exact = Customer.objects.filter(Q(name_key=name) | Q(pk=_uuid(text)))
    return list(exact[: MOST + 1]) or _beginning(Customer.objects.filter(name_key__startswith=name)[: MOST + 1], name)


def connections_named(text: str) -> Sequence[Connection]:
    """As `roles_named`, by slug or name. The table has a row for each IdP, so a name may be compared with all of them."""
    name = key(text)
    known = Connection.objects.select_related("customer")
    exact = known.filter(Q(slug=name) | Q(name__iexact=text) | Q(pk=_uuid(text)))
    begins = known.filter(Q(slug__startswith=name) | Q(name__istartswith=text))
    return list(exact[: MOST + 1]) or _beginning(begins[: MOST + 1], name)


def has_events(reference: str) -> bool:
    """Return whether an event contains this reference. One query."""
    return Event.objects.filter(request_id=reference).exists()


def _beginning(rows: QuerySet[Row], name: str) -> list[Row]:
    return list(rows) if len(name) >= SHORTEST else []


def _ids(statement: str, text: str, *, most: int = MOST + 1) -> list[UUID]:
    words = " ".join(text.split())
    name = key(words)
    values: Mapping[str, str | UUID | int | None] = {
        "key": name,
        "key_end": name + _LAST,
        "text": words,
        "beginning": words[:LONGEST],
        "beginning_end": words[:LONGEST] + _LAST,
        "id": _uuid(text),
        "most": most,
    }
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
