"""Filters by which identity providers search for one person. They are recognised, and answered by one index lookup.

A lookup finds the same people as the same filter in `scim.search.query`, which answers all other filters. It needs neither an order nor a count.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from core_identity.keys import key
from core_identity.selectors import rows
from core_identity.selectors.rows import Key, ResourceRow
from scim.search.lists import value_path
from scim.wire import urns
from scim.wire.attributes import Target
from scim.wire.filter import And, Comparison, Filter, ValuePath
from scim.wire.list_response import MAX_COUNT
from scim.wire.resource_types import EMAILS, user_type
from scim.wire.values import resource_id

if TYPE_CHECKING:
    from core_identity.models import Connection

_OWN_TYPE: Final = "work"
"""The type in the answer for an email that no IdP sent."""


def look_up(tree: Filter, connection: "Connection") -> Sequence[ResourceRow] | None:
    """Return all people whom a filter finds, in the order of creation. None if it is not a lookup, or finds more than a page contains.

    At most one statement. Raises `InvalidFilter` if the value cannot be compared.
    """
    match tree:
        case Comparison(path, "eq", str(value)):
            target = user_type(connection.uid_attribute).find(path)
            return None if target is None else _by_name(target.name, value, connection)
        case ValuePath(path, inner):
            target = user_type(connection.uid_attribute).find(path)
            return None if target is None or target.name != "emails" else _by_value(inner, connection)
    return None


def _by_name(name: str, value: str, connection: "Connection") -> Sequence[ResourceRow] | None:
    if name in ("emails", "emails.value"):
        return _by_email(Comparison("value", "eq", value), value, None, connection)
    if name == "id":
        scim_id = resource_id(value)
        found = None if scim_id is None else rows.with_key(connection, Key.SCIM_ID, scim_id)
    elif name == "externalId":
        found = rows.with_key(connection, Key.EXTERNAL_ID, value)
    elif name == "userName":
        found = rows.with_key(connection, Key.USER_NAME, key(value))
    elif name == f"{urns.ENTERPRISE_USER}:{connection.uid_attribute}":
        found = rows.with_key(connection, Key.UID, key(value))
    else:
        return None
    return () if found is None else (found,)


def _by_value(inner: Filter, connection: "Connection") -> Sequence[ResourceRow] | None:
    """Return the people for ``emails[type eq "work"].value eq "x"``, as Entra asks, or for ``emails[value eq "x"]``."""
    terms = inner.terms if isinstance(inner, And) else (inner,)
    values: dict[str, str] = {}
    for term in terms:
        match term:
            case Comparison(path, "eq", str(value)) if path.lower() in ("value", "type") and path.lower() not in values:
                values[path.lower()] = value
            case _:
                return None
    return _by_email(inner, values["value"], values.get("type"), connection) if "value" in values else None


def _by_email(tree: Filter, email: str, type_: str | None, connection: "Connection") -> Sequence[ResourceRow] | None:
    email_key = key(email)
    if not email_key:
        return None
    found = rows.with_email(
        connection,
        email_key,
        value_path(Target(None, EMAILS), tree),
        type_=type_,
        own_type=type_ is not None and type_.casefold() == _OWN_TYPE,
        limit=MAX_COUNT + 1,
    )
    return found if len(found) <= MAX_COUNT else None
