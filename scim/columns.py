"""Which columns of the database a filter reaches, and how each compares.

``userName``, ``emails.value`` and ``displayName`` of groups are compared as keys (R5) on indexed columns; ``id`` and
``externalId`` exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from django.db.models import F, Q, Value
from django.db.models.functions import Lower, NullIf
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from core_identity.keys import key
from core_identity.selectors import resources
from scim.lists import any_value
from scim.wire import urns
from scim.wire.attributes import ResourceType, Target
from scim.wire.filter import Comparison, Operator, Scalar
from scim.wire.group import resource_id
from scim.wire.resource_types import user_type
from scim.wire.user import DEPARTMENT, ORGANIZATION

if TYPE_CHECKING:
    from django.db.models import Expression

    from core_identity.models import Connection

NOBODY: Final = Q(pk__in=[])
_TEXT: Final = {"eq": "exact", "co": "contains", "sw": "startswith", "ew": "endswith"}
_ORDER: Final = {"eq": "exact", "gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}
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

    return Column(compare, ~NOBODY, F(field))


def _truth_column(yes: Q) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        wanted = _boolean(value)
        return None if name != "eq" or not isinstance(wanted, bool) else yes if wanted else ~yes

    return Column(compare, ~NOBODY)


def _time_column(field: str) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        moment = _moment(value)
        return None if moment is None or name not in _ORDER else Q(**{f"{field}__{_ORDER[name]}": moment})

    return Column(compare, ~NOBODY, F(field))


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
    return Column(compare, present)


def _list_column(target: Target) -> Column:
    def compare(name: str, value: Scalar) -> Q | None:
        whole = Target(target.extension, target.attribute)
        return any_value(whole, Comparison(target.leaf.name, cast("Operator", name), value))

    return Column(compare, Q(**{f"attributes__{target.key}__isnull": False}))


# Columns by name


def user_columns(connection: "Connection") -> dict[str, Column]:
    """Return the columns of Users by the full name of the attribute: the named ones, and all that is kept as sent."""
    people = resources.scim_identities(connection)

    def uid(name: str, value: Scalar) -> Q | None:
        if not isinstance(value, str) or name not in _TEXT:
            return None
        said = {"uids__current": True, "uids__derived": False, f"uids__uid_key__{_TEXT[name]}": key(value)}
        return Q(pk__in=people.filter(**said).order_by().values("pk"))

    def group(name: str, value: Scalar) -> Q | None:
        found = resource_id(value) if isinstance(value, str) else None
        if name != "eq" or not isinstance(value, str):
            return None
        return (
            NOBODY
            if found is None
            else Q(pk__in=people.filter(memberships__group__scim_id=found).order_by().values("pk"))
        )

    with_uid = Q(pk__in=people.filter(uids__current=True, uids__derived=False).order_by().values("pk"))
    with_group = Q(pk__in=people.filter(memberships__isnull=False).order_by().values("pk"))
    no_mails_sent = Q(attributes__emails__isnull=True) & ~Q(email="")
    mail_type = _json_column("attributes__emails__0__type", exact=False)

    def email_type(name: str, value: Scalar) -> Q | None:
        found = mail_type.compare(name, value)
        alone = isinstance(value, str) and value.lower() == "work" and name == "eq"
        return found | no_mails_sent if found is not None and alone else found

    return {
        **_kept_columns(user_type(connection.uid_attribute)),
        "id": _id_column("scim_id"),
        "externalId": _text_column("external_id", exact=True),
        "userName": _key_column("user_name_key"),
        "name.givenName": _text_column("given_name", exact=False),
        "name.familyName": _text_column("family_name", exact=False),
        "title": _text_column("title", exact=False),
        "active": _truth_column(Q(active=True)),
        "emails.value": _key_column("email_key"),
        "emails.type": Column(email_type, mail_type.present | no_mails_sent),
        "emails.primary": _truth_column(Q(attributes__emails__0__primary=True) | no_mails_sent),
        "groups.value": Column(group, with_group),
        "meta.created": _time_column("created_at"),
        "meta.lastModified": _time_column("changed_at"),
        f"{urns.CORE_USER}:username": _key_column("user__username_key"),
        f"{urns.CORE_USER}:email": _key_column("user__email_key"),
        f"{urns.CORE_USER}:expired": _truth_column(Q(user__expired_at__isnull=False)),
        ORGANIZATION: _text_column("organization", exact=False),
        DEPARTMENT: _text_column("department", exact=False),
        f"{urns.ENTERPRISE_USER}:{connection.uid_attribute}": Column(uid, with_uid),
    }


def group_columns(connection: "Connection") -> dict[str, Column]:
    """Return the columns of Groups by the full name of the attribute."""
    groups, people = resources.push_groups(connection), resources.scim_identities(connection)
    inhabited = groups.filter(members__identity__in=people.order_by()).order_by()

    def member(name: str, value: Scalar) -> Q | None:
        found = resource_id(value) if isinstance(value, str) else None
        if name != "eq" or not isinstance(value, str):
            return None
        if found is None:
            return NOBODY
        having = groups.filter(members__identity__in=people.order_by(), members__identity__scim_id=found)
        return Q(pk__in=having.order_by().values("pk"))

    return {
        "id": _id_column("scim_id"),
        "externalId": _text_column("external_id", exact=True),
        "displayName": _key_column("name_key"),
        "members.value": Column(member, Q(pk__in=inhabited.values("pk"))),
        "meta.created": _time_column("created_at"),
        "meta.lastModified": _time_column("changed_at"),
    }


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
