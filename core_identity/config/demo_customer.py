"""The demo's second customer, Globex: a connection without any settings, and a set-up link for its IT administrator."""

import json
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from core_identity.models import Connection, Role, User
from core_identity.portal.links import link_of, make_link
from core_identity.services import connections, customers
from core_identity.values import Actor

SLUG: Final = "globex"
ROLES: Final = ("Editors", "Viewers")


@transaction.atomic
def ensure_customer(actor: Actor) -> Connection:
    """Return the connection, and make it if there is none. It has neither metadata nor client: these are the visitor's to enter."""
    found = Connection.objects.filter(slug=SLUG).first()
    if found is not None:
        return found
    customer = customers.create_customer(actor=actor, name="Globex")
    connection = connections.create_connection(
        actor=actor, customer=customer, slug=SLUG, name="Globex", roles_from="push_groups"
    )
    roles = list(Role.objects.filter(name__in=ROLES))
    connections.set_grantable_roles(actor=actor, connection=connection, roles=roles, confirm_waiting=True)
    return connection


def keep_setup_link(actor: Actor, connection: Connection, file: Path, *, created_by: str) -> dict[str, str]:
    """Return the content of ``file`` with a set-up link that is good now: the one in it, or a new one. Empty if there can be none."""
    try:
        link = str(json.loads(file.read_text(encoding="utf-8"))["setup_link"])
    except (OSError, ValueError, KeyError, TypeError):
        link = ""
    if link and link_of(link.rpartition("/")[2]):
        return {"setup_link": link}
    administrator = User.objects.filter(username=created_by, is_superuser=True, is_active=True).first()
    if administrator is None or not connection.enabled:
        return {}
    secret = make_link(actor=actor, connection=connection, created_by=administrator)
    return {"setup_link": settings.PUBLIC_URL + reverse("portal-open", args=[secret])}
