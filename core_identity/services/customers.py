"""Make and change customers with their support contact."""

from collections.abc import Mapping
from uuid import UUID

from django.core.exceptions import ValidationError

from core_identity.errors import InvalidValue, NotFound
from core_identity.event_kinds import EventKind
from core_identity.keys import clean_name
from core_identity.models import Customer
from core_identity.services import events
from core_identity.services.connections import create_customer, rename_customer
from core_identity.services.transactions import in_one_transaction
from core_identity.support_contact import FIELDS
from core_identity.values import Actor


@in_one_transaction
def save_customer(*, actor: Actor, customer_id: UUID | None, name: str, contact: Mapping[str, str]) -> Customer:
    """Make a customer (``customer_id`` None) or change one, with the support contact. Raises the errors of the three services."""
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
