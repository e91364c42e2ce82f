"""Dialogues of clients, as data: each request with its headers, and the answer that it must get.

In ``tests/data/dialogues`` a step has a ``request`` line, perhaps a ``body``, a ``status``, and mostly the whole ``answer``.
``"*"`` stands for anything, alone or in a text; ``keep`` names the id of an answer, and later steps say ``{name}`` for
it; ``{base}`` is the base URL.
"""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from core_identity.services.connections import set_grantable_roles
from core_identity.services.roles import create_role
from tests.scim.conftest import Scim
from tests.support.cast import ADMIN

DIALOGUES = sorted((Path(__file__).parents[1] / "data" / "dialogues").glob("*.json"))


@pytest.mark.parametrize("file", DIALOGUES, ids=lambda file: file.stem)
def test_a_dialogue_goes_as_the_client_expects(okta: Scim, file: Path) -> None:
    role = create_role(actor=ADMIN, name="Editors", grantable_by=[])
    set_grantable_roles(actor=ADMIN, connection=okta.connection, roles=[role], confirm_waiting=False)
    dialogue = json.loads(file.read_text(encoding="utf-8"))
    names = {"base": f"http://localhost:8000/scim/{okta.connection.slug}/v2"}
    for step in dialogue["steps"]:
        method, _, path = _filled(step["request"], names).partition(" ")
        response = okta.send(method, path, _filled(step.get("body"), names), **dialogue["headers"])
        answer: Any = json.loads(response.content) if response.content else None
        assert response.status_code == step["status"], (step["says"], answer)
        if "keep" in step:
            names[step["keep"]] = answer["id"]
        if "answer" in step:
            expected = _filled(step["answer"], names)
            _order_members(expected)
            _order_members(answer)
            assert answer == _alike(expected, answer), step["says"]


def _filled(document: Any, names: dict[str, str]) -> Any:
    """Put the names in, everywhere in a document."""
    if isinstance(document, dict):
        return {_filled(key, names): _filled(value, names) for key, value in document.items()}
    if isinstance(document, list):
        return [_filled(one, names) for one in document]
    if isinstance(document, str):
        for name, value in names.items():
            document = document.replace("{" + name + "}", value)
    return document


def _alike(expected: Any, found: Any) -> Any:
    """Return ``expected``, with the value of ``found`` wherever any value is right."""
    if isinstance(expected, str) and "*" in expected and fnmatchcase(str(found), expected):
        return found
    if isinstance(expected, dict) and isinstance(found, dict):
        return {key: _alike(value, found.get(key)) for key, value in expected.items()}
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [_alike(one, other) for one, other in zip(expected, found, strict=True)]
    return expected


def _order_members(document: Any) -> None:
    """Members are a set: their order says nothing."""
    if isinstance(document, dict) and "members" in document:
        document["members"].sort(key=lambda member: member["value"])
