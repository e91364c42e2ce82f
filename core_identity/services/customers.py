"""Create and change customers with their support contact. They are never deleted (R1)."""

from collections.abc import Mapping
from uuid import UUID

from django.core.exceptions import ValidationError

from core_identity.errors import InvalidValue, NameTaken, NotFound
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_name, key
from core_identity.models import Customer
from core_identity.services import events
from core_identity.services.transactions import in_one_transaction
from core_identity.support_contact import FIELDS
from core_identity.values import Actor


@in_one_transaction
def create_customer(*, actor: Actor, name: str) -> Customer:
    """Create a customer. Raises `NameTaken`, `InvalidValue`."""
    name = _free_customer_name(name)
    customer = Customer.objects.create(name=name, name_key=key(name))
    events.record(actor=actor, kind=EventKind.CUSTOMER_CREATED, subject=customer, changes={"name": (None, name)})
    return customer


@in_one_transaction
def rename_customer(*, actor: Actor, customer_id: UUID, name: str) -> Customer:
    """Rename a customer. Raises `NotFound`, `NameTaken`, `InvalidValue`."""
    customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
    if customer is None:
        raise NotFound("There is no such customer.")
    if clean_name(name, field="name") == customer.name:
        return customer
    before, customer.name = customer.name, _free_customer_name(name, but=customer)
    customer.name_key = key(customer.name)
    customer.save()
    events.record(
        actor=actor, kind=EventKind.CUSTOMER_RENAMED, subject=customer, changes={"name": (before, customer.name)}
    )
    return customer


def _free_customer_name(name: str, *, but: Customer | None = None) -> str:
    name = clean_name(name, field="name")
    if not name:
        raise InvalidValue("name", "A customer needs a name.")
    if Customer.objects.filter(name_key=key(name)).exclude(pk__in=[but.pk] if but else []).exists():
        raise NameTaken(f"A customer named {name!r} exists already.")
    return name


@in_one_transaction
def save_customer(*, actor: Actor, customer_id: UUID | None, name: str, contact: Mapping[str, str]) -> Customer:
    """Create a customer (``customer_id`` None) or change one, with the support contact. Raises the errors of `create_customer`, `rename_customer` and
    `set_support_contact`."""
    if customer_id is None:
        customer_id = create_customer(actor=actor, name=name).pk
    else:
        rename_customer(actor=actor, customer_id=customer_id, name=name)
    return set_support_contact(actor=actor, customer_id=customer_id, contact=contact)


@in_one_transaction
def set_support_contact(*, actor: Actor, customer_id: UUID, contact: Mapping[str, str]) -> Customer:
    """Replace the support contact of a customer. ``contact`` has values by the names of `FIELDS`; one that is left out becomes empty.

    Raises `NotFound`, and `InvalidValue` with the field ``support_…``.
    """
    customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
    if customer is None:
        raise NotFound("There is no such customer.")
    changes: dict[str, tuple[object, object]] = {}
    for name in FIELDS:
        field = f"support_{name}"
        before, after = getattr(customer, field), clean_name(contact.get(name, ""), field=field)
        if before != after:
            changes[field] = (before, after)
            setattr(customer, field, after)
    if not changes:
        return customer
    try:
        customer.clean_fields(exclude=[one.name for one in Customer._meta.fields if one.name not in changes])
    except ValidationError as faults:
        field, messages = next(iter(faults.message_dict.items()))
        raise InvalidValue(field, " ".join(messages)) from faults
    customer.save(update_fields=[*changes])
    events.record(actor=actor, kind=EventKind.CUSTOMER_SUPPORT_CHANGED, subject=customer, changes=changes)
    return customer
