import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from core_identity.keys import key
from core_identity.models import User
from core_identity.services.users import COMMAND, set_password


class Command(BaseCommand):
    """As Django's command of this name, but the service writes the password, so that an event records it (R34)."""

    help = "Give a local administrator a new password. It asks for the password twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> str:
        user = User.objects.filter(username_key=key(options["username"])).first()
        if user is None:
            raise CommandError("There is no user of that name.")
        password = getpass.getpass()
        if password != getpass.getpass("Password (again): "):
            raise CommandError("The two passwords differ. Nothing was changed.")
        try:
            set_password(actor=COMMAND, user_id=user.pk, password=password)
        except ValidationError as fault:
            raise CommandError("\n".join(fault.messages)) from fault
        return f"{user} has a new password."
