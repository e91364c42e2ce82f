import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from demo.people import PEOPLE
from demo.simulate.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TOKEN = "token-that-nobody-may-see"
SECRET = "s3cret/+&"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass
class Received:
    """One request as it came: method, path (unquoted), headers, body."""

    line: str
    headers: dict[str, str]
    body: Any


class StandIn(ThreadingHTTPServer):
    """A SCIM server that stores resources and records requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[Received] = []
        self.refusals: dict[str, tuple[int, dict[str, Any]]] = {}
        self.resources: dict[str, dict[str, dict[str, Any]]] = {"Users": {}, "Groups": {}}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def lines(self) -> list[str]:
        return [one.line for one in self.received]

    def body_of(self, line: str) -> Any:
        (found,) = [one.body for one in self.received if one.line == line]
        return found

    def answer(self, line: str, body: Any) -> tuple[int, dict[str, Any]]:
        method, _, address = line.partition(" ")
        path, _, query = address.partition("?")
        if line in self.refusals:
            return self.refusals[line]
        if path == "/token":
            return 200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "scim"}
        kind, _, identifier = path.removeprefix("/scim/").partition("/")
        stored = self.resources[kind]
        if not identifier and method == "GET":
            value = query.partition('"')[2].partition('"')[0]
            everything = "filter=" not in query
            names = ("userName", "displayName")
            found = [one for one in stored.values() if everything or value in [one.get(name) for name in names]]
            return 200, {"totalResults": len(found), "Resources": found}
        if identifier and identifier not in stored:
            return 404, {"schemas": [ERROR], "status": "404", "detail": "There is no such resource."}
        if method == "GET":
            return 200, stored[identifier]
        if method == "DELETE":
            del stored[identifier]
            return 204, {}
        if method == "PATCH":
            return 200, stored[identifier]
        identifier = identifier or f"{kind.lower()}-{len(stored) + 1}"
        kept = {key: value for key, value in body.items() if key != "password"}
        stored[identifier] = kept | {"id": identifier, "meta": {"version": 'W/"1"'}}
        return (201 if method == "POST" else 200), stored[identifier]


class Handler(BaseHTTPRequestHandler):
    server: StandIn

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_form = self.headers.get_content_type() == "application/x-www-form-urlencoded"
        body = content.decode() if is_form or not content else json.loads(content)
        line = f"{self.command} {unquote(self.path)}"
        self.server.received.append(Received(line, dict(self.headers), body))
        status, document = self.server.answer(line, body)
        self.send_response(status)
        self.end_headers()
        if status != 204:
            self.wfile.write(json.dumps(document).encode())

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def do_PATCH(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Nothing: the tests look at what was recorded."""


@dataclass
class Simulation:
    """Runs the program against the stand-in."""

    server: StandIn
    file: Path

    def run(self, *options: str, dialect: str = "okta-aiw") -> int:
        self.server.received.clear()
        return main([dialect, "--connection-file", str(self.file), *options])

    def forget(self) -> None:
        """Let Okta forget which ids it was given."""
        self.file.with_name("okta.json").unlink()


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        file = tmp_path / "connection.json"
        content = {
            "slug": "acme",
            "scim_base_url": f"{server.url}/scim",
            "token_url": f"{server.url}/token",
            "authorize_url": f"{server.url}/authorize?scope=offline_access",
            "client_id": "acme:client",
            "client_secret": SECRET,
        }
        file.write_text(json.dumps(content))
        try:
            yield Simulation(server, file)
        finally:
            server.shutdown()
            thread.join()


def test_the_token_is_asked_for_with_the_client_in_the_header(simulation: Simulation) -> None:
    assert simulation.run() == 0
    first = simulation.server.received[0]
    assert (first.line, first.body) == ("POST /token", "grant_type=client_credentials&scope=scim")
    pair = base64.b64decode(first.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "acme%3Aclient:s3cret%2F%2B%26"


def test_every_scim_request_has_the_headers_of_okta(simulation: Simulation) -> None:
    assert simulation.run() == 0
    for one in simulation.server.received[1:]:
        assert {name: one.headers.get(name) for name in ("Accept", "Content-Type", "User-Agent", "Authorization")} == {
            "Accept": "application/scim+json",
            "Content-Type": "application/scim+json; charset=utf-8",
            "User-Agent": "Okta SCIM Client 1.0.0",
            "Authorization": f"Bearer {TOKEN}",
        }


def test_the_first_run_tests_the_connection_then_makes_people_and_then_groups(simulation: Simulation) -> None:
    assert simulation.run() == 0
    logins = [person.login for person in PEOPLE]
    expected = ["POST /token", "GET /scim/Users?startIndex=1&count=2", "GET /scim/Groups?startIndex=1&count=100"]
    for login in logins:
        expected += [f'GET /scim/Users?filter=userName eq "{login}"&startIndex=1&count=100']
        expected += ["POST /scim/Users"]
    for group in ("Editors", "Viewers", "Archivists"):
        expected += [f'GET /scim/Groups?filter=displayName eq "{group}"&startIndex=1&count=100']
        expected += ["POST /scim/Groups"]
    assert simulation.server.lines == expected


def test_somebody_new_is_posted_whole(simulation: Simulation) -> None:
    assert simulation.run() == 0
    bodies = [one.body for one in simulation.server.received if one.line == "POST /scim/Users"]
    passwords = {body.pop("password") for body in bodies}
    assert len(passwords) == len(bodies) == len(PEOPLE)
    assert bodies[1] == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": "zoe.mueller@acme.test",
        "name": {"givenName": "Zoë", "familyName": "Müller"},
        "emails": [{"primary": True, "value": "zoe.mueller@acme.test", "type": "work"}],
        "title": "Head of Press",
        "displayName": "Zoë Müller",
        "locale": "en-US",
        "externalId": "00u2zoe",
        "groups": [],
        "active": True,
        ENTERPRISE: {"UID": "zoe.mueller", "department": "Press", "organization": "Acme Studios"},
    }


def test_a_new_group_is_posted_with_the_members_by_our_ids(simulation: Simulation) -> None:
    assert simulation.run() == 0
    bodies = [one.body for one in simulation.server.received if one.line == "POST /scim/Groups"]
    assert bodies[0] == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Editors",
        "members": [
            {"value": "users-1", "display": "jane.doe@acme.test"},
            {"value": "users-2", "display": "zoe.mueller@acme.test"},
            {"value": "users-7", "display": "aiko.tanaka@acme.test"},
        ],
    }


def test_a_second_run_puts_and_posts_nothing(simulation: Simulation) -> None:
    assert simulation.run() == 0
    before = json.dumps(simulation.server.resources, sort_keys=True)
    assert simulation.run() == 0
    assert [line for line in simulation.server.lines if "POST" in line] == ["POST /token"]
    assert simulation.server.lines[3:5] == ["GET /scim/Users/users-1", "PUT /scim/Users/users-1"]
    assert json.dumps(simulation.server.resources, sort_keys=True) == before


def test_okta_without_a_link_finds_the_people_by_user_name(simulation: Simulation) -> None:
    assert simulation.run() == 0
    simulation.forget()
    assert simulation.run() == 0
    assert simulation.server.lines[3:6] == [
        'GET /scim/Users?filter=userName eq "jane.doe@acme.test"&startIndex=1&count=100',
        "GET /scim/Users/users-1",
        "PUT /scim/Users/users-1",
    ]


def test_a_link_to_a_missing_resource_is_forgotten_and_the_person_is_created_again(simulation: Simulation) -> None:
    assert simulation.run() == 0
    simulation.server.resources["Users"].pop("users-10")
    assert simulation.run() == 0
    assert simulation.server.lines.count("POST /scim/Users") == 1


def test_an_update_sends_the_read_resource_with_oktas_own_values_replaced(simulation: Simulation) -> None:
    simulation.server.resources["Users"]["u7"] = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "u7",
        "externalId": "old",
        "userName": "jane.doe@acme.test",
        "nickName": "J.",
        "emails": [{"value": "old@acme.test", "type": "home"}],
        "active": False,
        "groups": [{"value": "g1", "display": "Editors"}],
        ENTERPRISE: {"UID": "old", "costCenter": "7"},
        "meta": {"resourceType": "User"},
    }
    assert simulation.run("--reactivate", "jane.doe@acme.test") == 0
    assert simulation.server.body_of("PUT /scim/Users/u7") == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "id": "u7",
        "externalId": "00u1jane",
        "userName": "jane.doe@acme.test",
        "name": {"givenName": "Jane", "familyName": "Doe"},
        "nickName": "J.",
        "displayName": "Jane Doe",
        "title": "Editor",
        "emails": [{"primary": True, "value": "jane.doe@acme.test", "type": "work"}],
        "active": True,
        "groups": [{"value": "g1", "display": "Editors"}],
        ENTERPRISE: {"UID": "jane.doe", "department": "Press", "organization": "Acme Studios", "costCenter": "7"},
        "meta": {"resourceType": "User"},
    }


def test_a_deactivation_repeats_the_resource_and_changes_only_active(simulation: Simulation) -> None:
    assert simulation.run() == 0
    found = dict(simulation.server.resources["Users"]["users-3"])
    assert simulation.run("--deactivate", "sam.lee@acme.test") == 0
    assert simulation.server.lines == [
        "POST /token",
        "GET /scim/Users/users-3",
        "PUT /scim/Users/users-3",
    ]
    assert simulation.server.body_of("PUT /scim/Users/users-3") == found | {"active": False}


def test_the_catalogue_app_patches_where_the_wizards_app_puts(simulation: Simulation) -> None:
    assert simulation.run(dialect="okta-oin") == 0
    assert simulation.run(dialect="okta-oin") == 0
    assert [line for line in simulation.server.lines if line.startswith(("PUT", "POST /scim"))] == []
    jane = simulation.server.body_of("PATCH /scim/Users/users-1")
    assert jane["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
    (operation,) = jane["Operations"]
    assert (operation["op"], "path" in operation, operation["value"]["userName"]) == (
        "replace",
        False,
        "jane.doe@acme.test",
    )
    archivists = simulation.server.body_of("PATCH /scim/Groups/groups-3")["Operations"]
    assert archivists[0]["value"] == {"id": "groups-3", "displayName": "Archivists"}
    assert [member["value"] for member in archivists[1]["value"]] == ["users-5", "users-10"]
    assert simulation.run("--deactivate", "sam.lee@acme.test", dialect="okta-oin") == 0
    assert simulation.server.body_of("PATCH /scim/Users/users-3")["Operations"] == [
        {"op": "replace", "value": {"active": False}}
    ]


def test_entra_looks_up_by_user_name_then_by_external_id_and_never_asks_for_members(simulation: Simulation) -> None:
    assert simulation.run(dialect="entra") == 0
    token, tested, *rest = simulation.server.received
    assert token.line == "POST /token"
    assert tested.line.startswith('GET /scim/Users?filter=userName eq "')
    assert "@" not in tested.line
    expected = []
    for person in PEOPLE:
        expected += [f'GET /scim/Users?filter=userName eq "{person.login}"']
        expected += [f'GET /scim/Users?filter=externalId eq "{person.okta_id}"', "POST /scim/Users"]
    for number, group in enumerate(("Editors", "Viewers", "Archivists"), 1):
        expected += [f'GET /scim/Groups?filter=displayName eq "{group}"&excludedAttributes=members']
        expected += ["POST /scim/Groups", f"PATCH /scim/Groups/groups-{number}"]
    assert [one.line for one in rest] == expected
    assert not [one.headers for one in rest if "Okta" in one.headers["User-Agent"]]
    assert next(one.body for one in rest if one.line == "POST /scim/Groups") == {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "externalId": "Editors",
        "displayName": "Editors",
        "meta": {"resourceType": "Group"},
    }


def test_entra_updates_by_its_own_forms_of_patch_and_sends_no_member_twice(simulation: Simulation) -> None:
    simulation.run(dialect="entra")
    assert simulation.run(dialect="entra") == 0
    lines = simulation.server.lines
    assert not [line for line in lines if line.startswith(("POST /scim", "PUT", "PATCH /scim/Groups"))]
    assert "GET /scim/Groups/groups-1?excludedAttributes=members" in lines
    assert simulation.server.body_of("PATCH /scim/Users/users-2") == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {
                "op": "Replace",
                "value": {
                    "userName": "zoe.mueller@acme.test",
                    "externalId": "00u2zoe",
                    "displayName": "Zoë Müller",
                    "name.givenName": "Zoë",
                    "name.familyName": "Müller",
                    "name.formatted": "Zoë Müller",
                    f"{ENTERPRISE}:UID": "zoe.mueller",
                    f"{ENTERPRISE}:department": "Press",
                    f"{ENTERPRISE}:organization": "Acme Studios",
                },
            },
            {"op": "Add", "path": "title", "value": "Head of Press"},
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "zoe.mueller@acme.test"},
            {"op": "Replace", "path": "active", "value": "True"},
        ],
    }


def test_entra_deletes_in_two_steps(simulation: Simulation) -> None:
    simulation.run(dialect="entra")
    assert simulation.run("--deactivate", "jane.doe@acme.test", dialect="entra") == 0
    assert simulation.server.body_of("PATCH /scim/Users/users-1")["Operations"] == [
        {"op": "Replace", "path": "active", "value": "False"}
    ]
    assert simulation.run(dialect="entra") == 0  # a push assigns the person again
    assert simulation.run("--delete", "jane.doe@acme.test", dialect="entra") == 0
    assert simulation.server.lines[1:] == ["GET /scim/Users/users-1", "DELETE /scim/Users/users-1"]


def test_entra_removes_a_member_by_id_and_ends_with_a_delete(
    simulation: Simulation,
) -> None:
    assert simulation.run("--story", dialect="entra") == 0
    story = [one for one in simulation.server.received if not one.line.startswith("GET")]
    assert [one.line for one in story[-3:]] == [
        "PATCH /scim/Users/users-7",
        "PATCH /scim/Groups/groups-1",
        "DELETE /scim/Users/users-7",
    ]
    assert story[-2].body["Operations"] == [
        {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "users-7"}]}
    ]


def test_unlinking_deletes_the_group(simulation: Simulation) -> None:
    assert simulation.run() == 0
    assert simulation.run("--unlink", "Viewers") == 0
    assert simulation.server.lines[1:] == [
        "GET /scim/Groups/groups-2",
        "DELETE /scim/Groups/groups-2",
    ]


@pytest.mark.parametrize("option", [("--deactivate", "sam.lee@acme.test"), ("--unlink", "Viewers")])
def test_a_person_or_group_never_pushed_cannot_be_withdrawn(simulation: Simulation, option: tuple[str, str]) -> None:
    assert simulation.run(*option) == 1
    assert len(simulation.server.lines) == 2


def test_a_refusal_is_shown_in_the_servers_words_and_the_rest_continues(
    simulation: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    detail = "Another person of this connection has this userName."
    error = {"schemas": [ERROR], "status": "409", "scimType": "uniqueness", "detail": detail}
    simulation.server.resources["Users"]["u7"] = {"id": "u7", "userName": "jane.doe@acme.test"}
    simulation.server.refusals["PUT /scim/Users/u7"] = (409, error)
    assert simulation.run() == 1
    printed = capsys.readouterr().out
    assert f"PUT /Users/u7  jane.doe@acme.test → 409 Conflict  uniqueness\n      {detail}\n" in printed
    assert "POST /Users  zoe.mueller@acme.test → 201 Created  id users-2\n" in printed
    assert printed.endswith(
        "\nConnection tested     1\nPeople pushed         9\nGroups pushed         3\nRefused               1\n"
    )
    editors = next(one.body for one in simulation.server.received if one.line == "POST /scim/Groups")
    assert [member["display"] for member in editors["members"]] == ["zoe.mueller@acme.test", "aiko.tanaka@acme.test"]


@pytest.mark.parametrize("options", [(), ("--verbose",)])
def test_neither_token_nor_secret_nor_password_is_printed(
    simulation: Simulation, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    assert simulation.run(*options) == 0
    printed = capsys.readouterr().out
    sent = [one.body["password"] for one in simulation.server.received if one.line == "POST /scim/Users"]
    assert [hidden for hidden in (TOKEN, SECRET, *sent) if hidden in printed] == []
    assert ('>   "password": "••••••••"' in printed) == bool(options)


def test_a_refused_client_is_reported_in_one_sentence(
    simulation: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    simulation.server.refusals["POST /token"] = (401, {"error": "invalid_client"})
    assert simulation.run() == 1
    url = simulation.server.url
    assert capsys.readouterr().err == f"{url}/token gave no token (401 Unauthorized: invalid_client).\n"
    assert simulation.server.lines == ["POST /token"]


def test_a_server_that_does_not_answer_is_reported_in_one_sentence(
    simulation: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        url = f"http://127.0.0.1:{gone.server_port}/scim"
    assert simulation.run("--base-url", url) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"{url}/Users cannot be reached (")
    assert message.count("\n") == 1


def test_without_a_connection_file_one_sentence_names_the_next_step(tmp_path: Path) -> None:
    missing = tmp_path / "connection.json"
    ended = subprocess.run(
        [sys.executable, "-m", "demo.simulate", "okta-aiw"],
        cwd=ROOT,
        env=os.environ | {"DEMO_CONNECTION": str(missing)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        f"Start ./dev run first, and leave it running: {missing} cannot be read.\n",
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON."),
        ("[]", "does not contain scim_base_url, token_url, authorize_url, client_id, client_secret."),
        (
            '{"scim_base_url": "http://a", "token_url": "http://a", "authorize_url": "http://a", "client_id": "a", "client_secret": null}',
            "does not contain client_secret.",
        ),
        (
            '{"scim_base_url": "file:///etc/passwd", "token_url": "http://a", "authorize_url": "http://a", "client_id": "a", "client_secret": "b"}',
            "is not an http or https address.",
        ),
    ],
)
def test_an_unusable_connection_file_is_reported_in_plain_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, sentence: str
) -> None:
    file = tmp_path / "connection.json"
    file.write_text(content)
    assert main(["okta-aiw", "--connection-file", str(file)]) == 1
    assert sentence in capsys.readouterr().err
