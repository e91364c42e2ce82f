"""*Copy as curl* gives a command that sends the request again. Nothing that a client wrote is run by the shell (R35)."""

import json
import subprocess
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from core_identity.models import Connection
from scim.log.curl import curl_of
from scim.models import Payload, ProvisioningRecord
from scim.wire.redaction import Redaction
from tests.scim.conftest import Scim, person
from tests.scim.wire.test_redaction import SECRET

SHOW = 'curl() { for word in "$@"; do printf "%s\\0" "$word"; done; }; SCIM_TOKEN=t0ken; '


def words_of(command: str) -> list[str]:
    """Return the words that a shell gives to curl."""
    done = subprocess.run(["/bin/bash", "-c", SHOW + command], capture_output=True, check=True, env={})
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


def latest() -> str:
    record = ProvisioningRecord.objects.latest("id")
    return curl_of(record, Payload.objects.get(pk=record.pk))


HOSTILE = (
    "'; touch /tmp/pwned; '", "$(id)", "`id`", "${SCIM_TOKEN}", "\\'; id #", '"; id; "', "a\nb\r\nHost: x", "!!", "\\", "'", "''", "%0a",
    "\u202e'", "é\u2028",
    "@/etc/passwd", "--next", "-o/tmp/x", "\x1b[31m", "a\0b",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_shell_gives_curl_the_body_as_it_was_sent_and_runs_nothing(okta: Scim, text: str) -> None:
    sent = {**person(), "title": text, text: [text], "password": SECRET}
    okta.post("/Users", sent)
    command = latest()
    words = words_of(command)
    assert words[:6] == [
        "-X",
        "POST",
        f"{settings.PUBLIC_URL}/scim/acme/v2/Users",
        "-H",
        "Authorization: Bearer t0ken",
        "-H",
    ]
    assert words[6:8] == ["Content-Type: application/scim+json", "--data-raw"]
    assert len(words) == 9
    assert words[8] == json.dumps(Redaction().tree(sent))
    assert command.isascii()
    assert command.isprintable()
    assert okta.token not in command


@pytest.mark.parametrize("text", [one for one in HOSTILE if "\0" not in one])
def test_a_hostile_filter_is_quoted_as_one_argument(okta: Scim, text: str) -> None:
    okta.get("/Users", filter=f"userName eq {json.dumps(text)}", count="7")
    words = words_of(latest())
    assert len(words) == 5
    answer = okta.send("GET", words[2].removeprefix(settings.PUBLIC_URL))
    assert answer.status_code == 200


def test_the_command_names_the_resource_and_can_be_sent_again(okta: Scim) -> None:
    resource = okta.make()
    okta.patch(f"/Users/{resource['id']}", {"op": "replace", "path": "title", "value": "Boss"})
    words = words_of(latest())
    assert words[1:3] == ["PATCH", f"{settings.PUBLIC_URL}/scim/acme/v2/Users/{resource['id']}"]
    answer = okta.send("PATCH", words[2].removeprefix(settings.PUBLIC_URL), words[-1].encode())
    assert answer.json()["title"] == "Boss"
    okta.get(f"/Users/{resource['id']}")
    assert words_of(latest())[:3] == ["-X", "GET", f"{settings.PUBLIC_URL}/scim/acme/v2/Users/{resource['id']}"]
    okta.post("/Users/.search", {"filter": 'userName eq "jane.doe@acme.test"'})
    words = words_of(latest())
    assert words[2].endswith("/v2/Users/.search")
    assert okta.send("POST", words[2].removeprefix(settings.PUBLIC_URL), words[-1].encode()).json()["totalResults"] == 1
    okta.get("/Users/$(id)")
    assert words_of(latest())[2].endswith("/v2/Users/(left out)")


def test_a_message_that_was_not_kept_gives_no_command(okta: Scim) -> None:
    okta.post("/Users", {**person(), **{f"x{number}": "y" * 1_900 for number in range(20)}})
    assert "left out" in Payload.objects.latest("pk").sent
    assert latest() == ""
    okta.send("POST", "/Users", b'{"userName": ')
    assert latest() == ""


def test_a_row_without_an_address_gives_a_command_that_does_no_harm(connection: Connection) -> None:
    values: dict[str, Any] = {"method": "other", "connection_slug": "acme", "at": timezone.now(), "status": 404}
    command = curl_of(ProvisioningRecord(**values), Payload(record_id=1, at=timezone.now()))
    assert words_of(command)[:3] == ["-X", "GET", f"{settings.PUBLIC_URL}/scim/acme/v2"]
