"""The people of the tests, each with one reason to be here, and the actors.

``ADMIN`` is an administrator without superuser rights. ``COMMAND`` may do everything.
"""

from dataclasses import replace

from core_identity.models import Connection
from core_identity.services.connections import create_connection
from core_identity.services.customers import create_customer
from core_identity.values import Actor, ActorKind, Channel, Person

ADMIN = Actor(Channel.ADMIN, ActorKind.ADMIN, "boss", request_id="REQADMIN")
COMMAND = Actor(Channel.ADMIN, ActorKind.SYSTEM, "command line", request_id="REQCOMMAND")
OKTA = Actor(Channel.SCIM, ActorKind.SCIM_CLIENT, "OAuth client of acme", request_id="REQSCIM")
BROWSER = Actor(Channel.SSO, ActorKind.SIGN_IN, "a browser", request_id="REQSSO")

# Jane comes by both channels and keeps every key.
JANE = Person(
    uid="jane.doe",
    external_id="00u1jane",
    user_name="jane.doe@acme.test",
    active=True,
    given_name="Jane",
    family_name="Doe",
    email="jane.doe@acme.test",
    title="Editor",
    organization="Acme Studios",
    department="Press",
)
# Zoë has a name that ASCII cannot hold, and is in every renaming.
ZOE = replace(
    JANE,
    uid="zoë.müller",
    external_id="00u2zoe",
    user_name="zoë.müller@acme.test",
    given_name="Zoë",
    family_name="Müller",
    email="zoë.müller@acme.test",
)


def by_sso(person: Person, **changes: object) -> Person:
    """Return the person in the IdP's assertion, if SCIM sends ``person``: no externalId, no active, but a NameID."""
    sso_person = replace(person, external_id=None, active=None, user_name=None, name_id=person.user_name, groups=())
    return replace(sso_person, **changes)  # type: ignore[arg-type]


def make_connection(slug: str = "acme", *, customer: str = "Acme", **settings: object) -> Connection:
    """Return a new connection of a customer, which is made if it is not there."""
    from core_identity.keys import key
    from core_identity.models import Customer

    owner = Customer.objects.filter(name_key=key(customer)).first() or create_customer(actor=ADMIN, name=customer)
    return create_connection(actor=ADMIN, customer=owner, slug=slug, name=customer, **settings)
