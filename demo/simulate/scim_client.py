"""HTTP as Okta's provisioning agent speaks it: its headers, and a bearer token by client credentials."""

import base64
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from demo.simulate.connection import DemoConnection, Unusable
from demo.simulate.transcript import Transcript

TIMEOUT_SECONDS: Final = 60  # Okta's
HEADERS: Final = {
    "Accept": "application/scim+json",
    "Content-Type": "application/scim+json; charset=utf-8",
    "User-Agent": "Okta SCIM Client 1.0.0",
}

Answer = tuple[int, dict[str, Any]]

# No proxy from the environment: what is asked runs on this machine.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(Exception):
    """The server said no; the transcript has told why."""


class ScimClient:
    """Sends requests and writes them to the transcript. Raises `Refused`, or `Unusable` when nobody answers."""

    def __init__(self, connection: DemoConnection, transcript: Transcript) -> None:
        self._connection = connection
        self._transcript = transcript
        self._token = ""

    def fetch_token(self) -> None:
        """RFC 6749 section 4.4. Raises `Unusable`: without a token there is nothing to send."""
        pair = f"{quote(self._connection.client_id, safe='')}:{quote(self._connection.client_secret, safe='')}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}",
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": HEADERS["User-Agent"],
        }
        form = urlencode({"grant_type": "client_credentials", "scope": "scim"})
        status, answer = _send("POST", self._connection.token_url, headers, form.encode("ascii"))
        token = answer.get("access_token")
        if status != HTTPStatus.OK or not isinstance(token, str):
            reason = answer.get("error_description") or answer.get("error") or "no reason given"
            raise Unusable(f"{self._connection.token_url} gave no token ({_phrase(status)}: {reason}).")
        self._token = token
        self._transcript.say(f"Got a token from {self._connection.token_url}")

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        # Okta writes a space as %20, not as +.
        return self._request("GET", f"{path}?{urlencode(query, quote_via=quote)}" if query else path)

    def post(self, path: str, document: Mapping[str, Any], *, about: str) -> dict[str, Any]:
        return self._request("POST", path, document, about)

    def put(self, path: str, document: Mapping[str, Any], *, about: str) -> dict[str, Any]:
        return self._request("PUT", path, document, about)

    def delete(self, path: str, *, about: str) -> None:
        self._request("DELETE", path, None, about)

    def _request(
        self, method: str, path: str, document: Mapping[str, Any] | None = None, about: str = ""
    ) -> dict[str, Any]:
        body = None if document is None else json.dumps(document, ensure_ascii=False).encode()
        headers = HEADERS | {"Authorization": f"Bearer {self._token}"}
        status, answer = _send(method, self._connection.scim_base_url + path, headers, body)
        self._transcript.exchange(method, path, about, _summary(status, answer))
        self._transcript.document(">", document)
        self._transcript.document("<", answer)
        if status >= HTTPStatus.BAD_REQUEST:
            self._transcript.reason(str(answer.get("detail", "The answer is no SCIM error, and gives no reason.")))
            raise Refused
        return answer


def _send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    """Return status and JSON object ({} where there is none); raise `Unusable` when nobody answers."""
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310 - read_connection looked at the scheme
    try:
        try:
            answer = _OPENER.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status, content = answer.status, answer.read()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unusable(f"{url.partition('?')[0]} cannot be reached ({reason}). Does ./dev run still run?") from error
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    return status, document if isinstance(document, dict) else {}


def _summary(status: int, answer: Mapping[str, Any]) -> str:
    if status >= HTTPStatus.BAD_REQUEST:
        return f"{_phrase(status)}  {answer.get('scimType', '')}".rstrip()
    if "totalResults" in answer:
        return f"{_phrase(status)}  {answer['totalResults']} found"
    # The id is news after a POST only; elsewhere it stands in the path.
    return (
        f"{_phrase(status)}  id {answer['id']}" if status == HTTPStatus.CREATED and "id" in answer else _phrase(status)
    )


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
