import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core_identity.commands import PeopleActs
from core_identity.config.apply import apply, describe, parse
from core_identity.config.export import as_yaml, file_of
from core_identity.connection_schema import schema
from core_identity.errors import SettingsError, SettingsErrors
from core_identity.portal.commands import LinkActs
from core_identity.selectors.connections import connection_by_slug
from scim.commands import CredentialActs
from sso.commands import IdpActs, SamlActs


class Command(PeopleActs, LinkActs, CredentialActs, IdpActs, SamlActs):
    help = (
        "Apply connections described in a file, or show one. Manage its tokens, secrets, SAML keys and email domains. "
        "Re-key it, let another connection take over, or undo a burst of deactivations."
    )

    def add_acts(self, add: Callable[[str, str], ArgumentParser]) -> None:
        applying = add("apply", "set up the connections in FILE; if anything in it is wrong, nothing is applied")
        applying.add_argument(
            "file", metavar="FILE", help="YAML or JSON; - reads stdin; paths in it are relative to it"
        )
        applying.add_argument(
            "--rotate-secret", action="store_true", help="create a new client secret and show it once"
        )
        showing = add("show", "show the values to enter at the IdP")
        showing.add_argument("slug", metavar="SLUG")
        exporting = add("export", "write the connection as the file that `apply` reads; it contains no secret")
        exporting.add_argument("slug", metavar="SLUG")
        add("schema", "write the JSON Schema of such files, for editors")
        self.add_people_acts(add)
        self.add_link_acts(add)
        self.add_credential_acts(add)
        self.add_idp_acts(add)
        self.add_saml_acts(add)

    def act_apply(self, *, file: str, rotate_secret: bool, json: bool, **_: Any) -> None:
        text, base_dir = _read(file)
        answers = apply(actor=self.actor, content=parse(text), base_dir=base_dir, rotate_secret=rotate_secret)
        lines = [line for answer in answers for line in (*_sheet(answer), "")]
        self.answer({"connections": answers}, as_json=json, lines=lines or ["There is no connection in it."])

    def act_show(self, *, slug: str, json: bool, **_: Any) -> None:
        answer = describe(connection_by_slug(slug))
        self.answer({"connections": [answer]}, as_json=json, lines=_sheet(answer))

    def act_export(self, *, slug: str, json: bool, **_: Any) -> None:
        content = file_of(connection_by_slug(slug))
        self.answer(content, as_json=json, lines=as_yaml(content).rstrip().split("\n"))

    def act_schema(self, **_: Any) -> None:
        self.answer(schema(), as_json=True, lines=[])


def _read(file: str) -> tuple[str, Path]:
    try:
        if file == "-":
            return sys.stdin.read(), Path.cwd()
        path = Path(file)
        return path.read_text(encoding="utf-8"), path.resolve().parent
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsErrors([SettingsError("", "unreadable", f"{file} cannot be read: {reason}.")]) from error


def _sheet(answer: dict[str, Any]) -> list[str]:
    width = max(len(name) for name in answer)
    return [
        f"{name:<{width}}  {' '.join(value) if isinstance(value, list) else value}" for name, value in answer.items()
    ]
