"""Which columns of the database a filter reaches, and how each compares.

``userName``, ``emails.value`` and ``displayName`` of groups are compared as keys (R5) on indexed columns; ``id`` and
``externalId`` exactly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from django.db.models import F, Q, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Lower, NullIf
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from core_identity.keys import key
from core_identity.selectors import resources
from scim.lists import any_value
from scim.wire import urns
from scim.wire.attributes import ResourceType, Target
from scim.wire.filter import Comparison, Filter, Operator, Present, Scalar
from scim.wire.group import resource_id
from scim.wire.resource_types import EMAILS, user_type
from scim.wire.user import DEPARTMENT, ORGANIZATION

if TYPE_CHECKING:
    from django.db.models import Expression

    from core_identity.models import Connection

NOBODY: Final = Q(pk__in=[])
EVERYBODY: Final = ~NOBODY
_TEXT: Final = {"eq": "exact", "co": "contains", "sw": "startswith", "ew": "endswith"}
_ORDER: Final = {"eq": "exact", "gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}
_MILLISECOND: Final = timedelta(milliseconds=1)
_FIXED: Final = {"eq": str.__eq__, "co": str.__contains__, "sw": str.startswith, "ew": str.endswith}
_COMPARED: Final = {"gt": GreaterThan, "ge": GreaterThanOrEqual, "lt": LessThan, "le": LessThanOrEqual}
Compare: TypeAlias = Callable[[str, Scalar], Q | None]
"""(operator, value) to a condition, None where the column cannot serve the operator.

``ne`` never arrives: it is the negation of ``eq``.
"""


@dataclass(frozen=True)
class Column:
    """How one attribute is asked for. ``present`` is the condition that it has a value; ``order`` what a list is sorted by, if it can be."""

    compare: Compare
    present: Q
    order: "Expression | F | None" = None


@dataclass(frozen=True)
class Values:
    """How one and the same value of an attribute with many is asked for: each term of it over ``columns``, and ``found`` makes of that
    condition, and of the tree that it is of, who has such a value.
    """

    columns: Mapping[str, Column]
    found: Callable[[Q, Filter], Q]

    def outside(self, name: str) -> Column:
        """Return the column of a filter that asks of any value, without brackets."""
        column, sub = self.columns[name], name.rpartition(".")[2]

        def compare(operator: str, value: Scalar) -> Q | None:
            condition = column.compare(operator, value)
            comparison = Comparison(sub, cast("Operator", operator), value)
            return None if condition is None else self.found(condition, comparison)

        return Column(compare, self.found(column.present, Present(sub)), column.order)


@dataclass(frozen=True)
class Columns:
    """Columns by the full name of the attribute: those that are the same for all connections, and how those of one are made."""

    fixed: Mapping[str, Column]
    of_connection: Mapping[str, Callable[[], Column]]

    def get(self, name: str) -> Column | None:
        make = self.of_connection.get(name)
        return self.fixed.get(name) if make is None else make()

    def parts(self, name: str) -> list[Column]:
        """Return the columns of the sub-attributes of ``name``."""
        return [column for part, column in self.fixed.items() if part.startswith(f"{name}.")]


def _key_column(field: str) -> Column:
    present = ~Q(**{field: ""}) & Q(**{f"{field}__isnull": False})

    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str):
            return None
        if name in _TEXT:
            return Q(**{f"{field}__{_TEXT[name]}": key(value)})
        return Q(**{f"{field}__{_ORDER[name]}": key(value)}) & present

    return Column(compare, present, NullIf(F(field), Value("")))


def _text_column(field: str, *, exact: bool) -> Column:
    present = ~Q(**{field: ""}) & Q(**{f"{field}__isnull": False})
    order = NullIf(F(field), Value("")) if exact else Lower(NullIf(F(field), Value("")))

    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str):
            return None
        if name in _TEXT:
            return Q(**{f"{field}__{'' if exact else 'i'}{_TEXT[name]}": value})
        # Lexicographically, as RFC 7644 section 3.4.2.2 has it; without letter case where the attribute has none.
        return Q(_COMPARED[name](order, Value(value) if exact else Lower(Value(value)))) & present

    return Column(compare, present, order)


def _id_column(field: str) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name != "eq":
            return None
        found = resource_id(value)
        return NOBODY if found is None else Q(**{field: found})

    return Column(compare, EVERYBODY, F(field))


def _truth_column(yes: Q, order: F | None = None) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        wanted = _boolean(value)
        return None if name != "eq" or not isinstance(wanted, bool) else yes if wanted else ~yes

    return Column(compare, EVERYBODY, order)


def _fixed_column(text: str) -> Column:
    """A text that is the same for all, and has no letter case."""

    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name not in _FIXED:
            return None
        return EVERYBODY if _FIXED[name](text.casefold(), value.casefold()) else NOBODY

    return Column(compare, EVERYBODY)


def _schemas_column(where: Mapping[str, Q]) -> Column:
    """``schemas`` of a resource: each URN, and whose answer names it."""
    by_urn = {urn.casefold(): condition for urn, condition in where.items()}

    def compare(name: str, value: Scalar) -> Q | None:
        return by_urn.get(value.casefold(), NOBODY) if isinstance(value, str) and name == "eq" else None

    return Column(compare, EVERYBODY)


def _time_column(field: str) -> Column:
    """Times as they are shown: whole milliseconds, although the column is finer."""

    def compare(name: str, value: Scalar) -> Q | None:
        moment = _moment(value)
        if moment is None or name not in _ORDER:
            return None
        shown = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        following = shown + _MILLISECOND
        since, before = Q(**{f"{field}__gte": shown}), Q(**{f"{field}__lt": following})
        later, earlier = Q(**{f"{field}__gte": following}), Q(**{f"{field}__lt": shown})
        if moment != shown:  # nothing is shown between two milliseconds
            return {"eq": NOBODY, "ge": later, "lt": before}.get(name, later if name == "gt" else before)
        return {"eq": since & before, "ge": since, "gt": later, "le": before, "lt": earlier}[name]

    return Column(compare, EVERYBODY, F(field))


def _kept_columns(resource_type: ResourceType) -> dict[str, Column]:
    """Columns for what is kept as sent in ``Identity.attributes``."""
    columns: dict[str, Column] = {}
    for whole in resource_type.targets():
        if whole.attribute.mutability == "readOnly":
            continue
        parts = [Target(whole.extension, whole.attribute, sub) for sub in whole.attribute.sub_attributes]
        for target in parts or [whole]:
            if whole.attribute.multi_valued:
                columns[target.name] = _list_column(target)
            else:
                # Parts of the name are kept one by one, other complex values whole.
                step = target.name if whole.key == "name" else target.name.replace(f"{whole.key}.", f"{whole.key}__")
                columns[target.name] = _json_column(f"attributes__{step}", exact=target.leaf.case_exact)
    return columns


def _json_column(path: str, *, exact: bool) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name not in _TEXT:
            return None
        lookup = "" if exact and name == "eq" else f"__{'' if exact else 'i'}{_TEXT[name]}"
        # With its presence, so that the negation holds for people who lack the attribute, and is not unknown.
        return present & Q(**{f"{path}{lookup}": value})

    present = Q(**{f"{path}__isnull": False})
    return Column(compare, present, KT(path) if exact else Lower(KT(path)))


def _list_column(target: Target) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        whole = Target(target.extension, target.attribute)
        return any_value(whole, Comparison(target.leaf.name, cast("Operator", name), value))

    return Column(compare, Q(**{f"attributes__{target.key}__isnull": False}))


# Columns by name


def user_columns(connection: "Connection") -> Columns:
    """Return the columns of Users: the named ones, and all that is kept as sent."""
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
    """Return how one value of the attributes is asked for that are not only kept as sent."""
    return {"emails": _EMAIL_VALUES, "groups": _groups(connection)}


def group_columns(connection: "Connection") -> Columns:
    """Return the columns of Groups."""
    members = _members(connection)
    return Columns(_GROUP_COLUMNS, {name: partial(members.outside, name) for name in members.columns})


def group_values(connection: "Connection") -> dict[str, Values]:
    """Return how one member of a group is asked for."""
    return {"members": _members(connection)}


@lru_cache(maxsize=256)
def _same_for_all(uid_attribute: str) -> dict[str, Column]:
    return {
        **_kept_columns(user_type(uid_attribute)),
        **{name: _EMAIL_VALUES.outside(name) for name in _EMAIL_VALUES.columns},
        "id": _id_column("scim_id"),
        "externalId": _text_column("external_id", exact=True),
        "userName": _key_column("user_name_key"),
        "name.givenName": _text_column("given_name", exact=False),
        "name.familyName": _text_column("family_name", exact=False),
        "title": _text_column("title", exact=False),
        "active": _truth_column(Q(active=True), F("active")),
        "meta.resourceType": _fixed_column("User"),
        "meta.created": _time_column("created_at"),
        "meta.lastModified": _time_column("changed_at"),
        f"{urns.CORE_USER}:username": _key_column("user__username_key"),
        f"{urns.CORE_USER}:email": _key_column("user__email_key"),
        f"{urns.CORE_USER}:expired": _truth_column(Q(user__expired_at__isnull=False)),
        ORGANIZATION: _text_column("organization", exact=False),
        DEPARTMENT: _text_column("department", exact=False),
    }


_GROUP_COLUMNS: Final = {
    "id": _id_column("scim_id"),
    "externalId": _text_column("external_id", exact=True),
    "displayName": _key_column("name_key"),
    "schemas": _schemas_column({urns.GROUP: EVERYBODY}),
    "meta.resourceType": _fixed_column("Group"),
    "meta.created": _time_column("created_at"),
    "meta.lastModified": _time_column("changed_at"),
}


def _with_uid(connection: "Connection", **of_uid: str) -> Q:
    people = resources.scim_identities(connection).filter(uids__current=True, uids__derived=False, **of_uid)
    return Q(pk__in=people.order_by().values("pk"))


def _uid_column(connection: "Connection") -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name not in _TEXT:
            return None
        return _with_uid(connection, **{f"uids__uid_key__{_TEXT[name]}": key(value)})

    return Column(compare, _with_uid(connection))


def _user_schemas(connection: "Connection") -> Column:
    kept = user_type(connection.uid_attribute).targets()
    extended = Q(attributes__has_any_keys=[one.key for one in kept if one.extension == urns.ENTERPRISE_USER])
    extended |= _with_uid(connection) | ~Q(organization="", department="")
    return _schemas_column({urns.USER: EVERYBODY, urns.CORE_USER: EVERYBODY, urns.ENTERPRISE_USER: extended})


def _email_values() -> Values:
    """The main email has columns; what stands beside it is looked at where there is more than one."""
    main = "attributes__emails__0"
    # Else another email stands by now, and is shown alone.
    listed = Q(Exact(_text_in(f"{main}__value"), F("email")))
    others = listed & Q(attributes__emails__1__isnull=False)
    sent_type, own_type = _json_column(f"{main}__type", exact=False), _fixed_column("work")

    def email_type(name: str, value: Scalar) -> Q | None:
        sent, own = sent_type.compare(name, value), own_type.compare(name, value)
        return None if sent is None or own is None else listed & sent | ~listed & own

    columns = {
        "emails.value": _key_column("email_key"),
        "emails.type": Column(email_type, listed & sent_type.present | ~listed),
        "emails.primary": _truth_column(Q(Exact(_text_in(f"{main}__primary"), Value("true"))) | ~listed),
    }
    whole = Target(None, EMAILS)
    return Values(columns, lambda condition, tree: condition | others & any_value(whole, tree))


def _text_in(path: str) -> Coalesce:
    return Coalesce(KT(path), Value(""), output_field=TextField())


_EMAIL_VALUES: Final = _email_values()


def _groups(connection: "Connection") -> Values:
    def found(condition: Q, _: Filter) -> Q:
        return Q(pk__in=resources.memberships(connection).filter(condition).values("identity"))

    columns = {
        "groups.value": _id_column("group__scim_id"),
        "groups.display": _key_column("group__name_key"),
        "groups.type": _fixed_column("direct"),
    }
    return Values(columns, found)


def _members(connection: "Connection") -> Values:
    def found(condition: Q, _: Filter) -> Q:
        return Q(pk__in=resources.memberships(connection).filter(condition).values("group"))

    return Values({"members.value": _id_column("identity__scim_id"), "members.type": _fixed_column("User")}, found)


def _boolean(value: Scalar) -> Scalar:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def _moment(value: Scalar) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
