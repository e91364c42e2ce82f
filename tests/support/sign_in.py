"""A sign-in without SAML: the service that `sso` calls with a verified assertion."""

from core_identity.models import Connection, Identity
from core_identity.services.sign_in import enter
from core_identity.values import Actor, Person


def sign_in(*, actor: Actor, connection: Connection, person: Person) -> Identity:
    """Let a person in, and return the identity. Raises as `enter` does."""
    return enter(actor=actor, connection=connection, person=person).identity
