"""The database column for each attribute in a filter.

``userName``, ``emails.value`` and ``displayName`` of groups are compared as keys (R5) on indexed columns; ``id`` and ``externalId`` exactly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import F, OuterRef, Q, Subquery, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from core_identity.attributes import FOLLOWED
from core_identity.keys import key
from core_identity.selectors import resources
from scim.search.column_kinds import (
    EVERYBODY,
    TEXT,
    Column,
    Order,
    Values,
    fixed_column,
    id_column,
    json_column,
    key_column,
    list_column,
    schemas_column,
    text_column,
    time_column,
    truth_column,
)
from scim.search.lists import any_value
from scim.wire import urns
from scim.wire.attributes import ResourceType, Target
from scim.wire.filter import Filter, Scalar
from scim.wire.resource_types import EMAILS, user_type

if TYPE_CHECKING:
    from core_identity.models import Connection

_NO_ID: Final = UUID(int=0)


@dataclass(frozen=True)
class Columns:
    """Columns by the full name of the attribute. ``of_connection`` creates those that differ by connection."""

    fixed: Mapping[str, Column]
    of_connection: Mapping[str, Callable[[], Column]]

    def get(self, name: str) -> Column | None:
        make = self.of_connection.get(name)
        return self.fixed.get(name) if make is None else make()

    def parts(self, name: str) -> list[Column]:
        """Return the columns of the sub-attributes of ``name``."""
        return [column for part, column in self.fixed.items() if part.startswith(f"{name}.")]


def user_columns(connection: "Connection") -> Columns:
    """Return the columns of Users: the named columns, and those of the stored attributes."""
    groups = _groups(connection)
    return Columns(
        _same_for_all(connection.uid_attribute),
        {
            **{name: partial(groups.outside, name) for name in groups.columns},
            "schemas": partial(_user_schemas, connection),
            f"{urns.ENTERPRISE_USER}:{connection.uid_attribute}": partial(_uid_column, connection),
        },
    )


def user_values(connection: "Connection") -> dict[str, Values]:
    """Return how to query one value of each multi-valued attribute of Users that has columns of its own."""
    return {"emails": _EMAIL_VALUES, "groups": _groups(connection)}


def group_columns(connection: "Connection") -> Columns:
    """Return the columns of Groups."""
    members = _members(connection)
    return Columns(_GROUP_COLUMNS, {name: partial(members.outside, name) for name in members.columns})


def group_values(connection: "Connection") -> dict[str, Values]:
    """Return how to query one member of a group."""
    return {"members": _members(connection)}


@lru_cache(maxsize=256)
def _same_for_all(uid_attribute: str) -> dict[str, Column]:
    return {
        **_stored_columns(user_type(uid_attribute)),
        **{name: _EMAIL_VALUES.outside(name) for name in _EMAIL_VALUES.columns},
        "id": id_column("scim_id"),
        "externalId": text_column("external_id", exact=True),
        "userName": key_column("user_name_key"),
        **{attribute.scim: text_column(attribute.source, exact=False) for attribute in FOLLOWED},
        "active": truth_column(Q(active=True), F("active")),
        "meta.resourceType": fixed_column("User"),
        "meta.created": time_column("created_at"),
        "meta.lastModified": time_column("changed_at"),
        f"{urns.CORE_USER}:username": key_column("user__username_key"),
        f"{urns.CORE_USER}:email": key_column("user__email_key"),
        f"{urns.CORE_USER}:expired": truth_column(Q(user__expired_at__isnull=False)),
    }


_GROUP_COLUMNS: Final = {
    "id": id_column("scim_id"),
    "externalId": text_column("external_id", exact=True),
    "displayName": key_column("name_key"),
    "schemas": schemas_column({urns.GROUP: EVERYBODY}),
    "meta.resourceType": fixed_column("Group"),
    "meta.created": time_column("created_at"),
    "meta.lastModified": time_column("changed_at"),
}


def _with_uid(connection: "Connection", **of_uid: str) -> Q:
    return Q(pk__in=resources.shown_uids(connection).filter(**of_uid).values("identity"))


def _owner_of_uid(connection: "Connection", uid: str) -> Q:
    """Return the condition for the one identity with this UID.

    The condition compares with a value and not with a set, so PostgreSQL uses the index even without statistics.
    """
    owner = resources.shown_uids(connection).filter(uid_key=key(uid)).values("identity")[:1]
    # Not NULL, because a negation must find the others.
    return Q(Exact(F("pk"), Coalesce(Subquery(owner), Value(_NO_ID))))


def _uid_column(connection: "Connection") -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name not in TEXT:
            return None
        if name == "eq":
            return _owner_of_uid(connection, value)
        return _with_uid(connection, **{f"uid_key__{TEXT[name]}": key(value)})

    return Column(compare, _with_uid(connection))


_NO_TEXTS_OF_EXTENSION: Final = {one.source: "" for one in FOLLOWED if one.scim.startswith(urns.ENTERPRISE_USER)}


def _user_schemas(connection: "Connection") -> Column:
    targets = user_type(connection.uid_attribute).targets
    extended = Q(attributes__has_any_keys=[one.key for one in targets if one.extension == urns.ENTERPRISE_USER])
    extended |= _with_uid(connection) | ~Q(**_NO_TEXTS_OF_EXTENSION)
    return schemas_column({urns.USER: EVERYBODY, urns.CORE_USER: EVERYBODY, urns.ENTERPRISE_USER: extended})


def _email_values() -> Values:
    """The main email has columns. The stored list is searched only if it contains more than one email."""
    main = "attributes__emails__0"
    # If the stored list does not contain the column's email, the answer shows that email alone.
    listed = Q(Exact(_text_in(f"{main}__value"), F("email")))
    others = listed & Q(attributes__emails__1__isnull=False)
    sent_type, own_type = json_column(f"{main}__type", exact=False), fixed_column("work")

    def email_type(name: str, value: Scalar) -> Q | None:
        sent, own = sent_type.compare(name, value), own_type.compare(name, value)
        return None if sent is None or own is None else listed & sent | ~listed & own

    columns = {
        "emails.value": key_column("email_key"),
        "emails.type": Column(email_type, listed & sent_type.present | ~listed),
        "emails.primary": truth_column(Q(Exact(_text_in(f"{main}__primary"), Value("true"))) | ~listed),
    }
    whole = Target(None, EMAILS)
    # A negation also matches people without an email, but they have no value to select.
    some = ~Q(email_key="")
    return Values(columns, lambda condition, tree: some & condition | others & any_value(whole, tree))


def _text_in(path: str) -> Coalesce:
    return Coalesce(KT(path), Value(""), output_field=TextField())


_EMAIL_VALUES: Final = _email_values()


def _groups(connection: "Connection") -> Values:
    def found(condition: Q, _: Filter) -> Q:
        return Q(pk__in=resources.memberships(connection).filter(condition).values("identity"))

    def first(order: Order) -> Order:
        """Sort by the first group in this order. RFC 7644 does not define which of several values counts if none is primary."""
        own = resources.memberships(connection).filter(identity=OuterRef("pk"))
        return Subquery(own.annotate(sorted_by=order).order_by("sorted_by").values("sorted_by")[:1])

    columns = {
        "groups.value": id_column("group__scim_id"),
        "groups.display": key_column("group__name_key"),
        "groups.type": fixed_column("direct"),
    }
    return Values(columns, found, first)


def _members(connection: "Connection") -> Values:
    def found(condition: Q, _: Filter) -> Q:
        return Q(pk__in=resources.memberships(connection).filter(condition).values("group"))

    def first(order: Order) -> Order:
        own = resources.memberships(connection).filter(group=OuterRef("pk"))
        return Subquery(own.annotate(sorted_by=order).order_by("sorted_by").values("sorted_by")[:1])

    return Values({"members.value": id_column("identity__scim_id"), "members.type": fixed_column("User")}, found, first)


def _stored_columns(resource_type: ResourceType) -> dict[str, Column]:
    """Columns for the attributes that are stored as sent in ``Identity.attributes``."""
    columns: dict[str, Column] = {}
    for whole in resource_type.targets:
        if whole.attribute.mutability == "readOnly":
            continue
        parts = [Target(whole.extension, whole.attribute, sub) for sub in whole.attribute.sub_attributes]
        for target in parts or [whole]:
            if whole.attribute.multi_valued:
                columns[target.name] = list_column(target)
            else:
                # The parts of the name are stored one by one, other complex values whole.
                step = target.name if whole.key == "name" else target.name.replace(f"{whole.key}.", f"{whole.key}__")
                columns[target.name] = json_column(f"attributes__{step}", exact=target.leaf.case_exact)
    return columns
