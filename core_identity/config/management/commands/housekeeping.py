import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core_identity.clock import database_now
from core_identity.config.housekeeping import tidy


class Command(BaseCommand):
    help = "Delete expired data: old rows of the logs, expired tokens, codes, links, sign-ins and sessions, and old conflicts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer with one JSON document on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        deleted = dict(tidy(now=database_now()))
        if options["json"]:
            self.stdout.write(json.dumps({"deleted": deleted}, indent=2))
            return
        for name, number in deleted.items():
            self.stdout.write(f"{name}: {number} deleted")
