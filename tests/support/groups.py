"""The pushes of groups by an IdP, and the grants that a user has by them."""

from uuid import UUID

from core_identity.models import Connection, Identity, PushGroup
from core_identity.selectors.roles import roles_of
from core_identity.services.groups import change_group, create_group
from core_identity.values import GroupChange
from tests.support.cast import OKTA


def push(connection: Connection, name: str, *members: Identity | UUID) -> PushGroup:
    """Push a group with members; a bare id is one that the IdP names whether or not somebody has it here."""
    ids = frozenset(member if isinstance(member, UUID) else member.scim_id for member in members)
    return create_group(actor=OKTA, connection=connection, change=GroupChange(display_name=name, members=ids))


def change(group: PushGroup, **changes: object) -> PushGroup:
    return change_group(
        actor=OKTA,
        connection=group.connection,
        scim_id=group.scim_id,
        read=lambda _: GroupChange(**changes),  # type: ignore[arg-type]
    )


def role_names(identity: Identity) -> list[str]:
    """Return the roles that count for the user of an identity."""
    return [grant.name for grant in roles_of(identity.user) if grant.effective]
