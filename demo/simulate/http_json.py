"""JSON over HTTP, with nothing but the standard library."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from demo.simulate.connection import Unusable

TIMEOUT_SECONDS: Final = 60  # Okta's
USER_AGENT: Final = "Okta SCIM Client 1.0.0"

# No proxy from the environment: what is asked usually runs on this machine.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """``document`` is {} if the body is not a JSON object. ``decision`` is the product's decision in words."""

    status: int
    document: dict[str, Any]
    decision: str = ""

    @property
    def is_refusal(self) -> bool:
        return self.status >= HTTPStatus.BAD_REQUEST

    @property
    def phrase(self) -> str:
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """Return what came back, whatever its status; raise `Unusable` when nobody answers."""
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310 - read_connection looked at the scheme
    try:
        try:
            answer = _OPENER.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status, content, decision = answer.status, answer.read(), answer.headers.get("X-Decision", "")
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unusable(f"{url.partition('?')[0]} cannot be reached ({reason}). Is ./dev run still running?") from error
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    return Answer(status, document if isinstance(document, dict) else {}, decision)
