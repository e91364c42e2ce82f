"""SCIM as a provisioning agent speaks it: its headers, its token, and each request in the transcript."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from demo.simulate.http_json import USER_AGENT, Answer, send
from demo.simulate.transcript import Transcript

HEADERS: Final = {
    "Accept": "application/scim+json",
    "Content-Type": "application/scim+json; charset=utf-8",
}


class Refused(Exception):
    """The server refused the request; the transcript shows why. The message is its reason, ``status`` its HTTP status (0: not by HTTP)."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class Bearer(Protocol):
    """Where the token of a request comes from."""

    def bearer(self) -> str: ...


class ScimClient:
    """Sends requests and writes them to the transcript. Raises `Refused`, or `Unusable` when nobody answers."""

    def __init__(self, base_url: str, tokens: Bearer, transcript: Transcript, user_agent: str = USER_AGENT) -> None:
        self._base_url = base_url
        self._tokens = tokens
        self._transcript = transcript
        self._headers = HEADERS | {"User-Agent": user_agent}

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        # Okta writes a space as %20, not as +.
        return self._request("GET", f"{path}?{urlencode(query, quote_via=quote)}" if query else path)

    def post(self, path: str, document: Mapping[str, Any], *, about: str) -> dict[str, Any]:
        return self._request("POST", path, document, about)

    def put(self, path: str, document: Mapping[str, Any], *, about: str) -> dict[str, Any]:
        return self._request("PUT", path, document, about)

    def patch(self, path: str, document: Mapping[str, Any], *, about: str) -> dict[str, Any]:
        return self._request("PATCH", path, document, about)

    def delete(self, path: str, *, about: str) -> None:
        self._request("DELETE", path, None, about)

    def refuse(self, reason: str) -> Refused:
        """Return the exception for an answer with which Okta could not continue, and write the answer to the transcript."""
        self._transcript.reason(reason)
        return Refused(reason)

    def _request(
        self, method: str, path: str, document: Mapping[str, Any] | None = None, about: str = ""
    ) -> dict[str, Any]:
        body = None if document is None else json.dumps(document, ensure_ascii=False).encode()
        headers = self._headers | {"Authorization": f"Bearer {self._tokens.bearer()}"}
        answer = send(method, self._base_url + path, headers, body)
        self._transcript.exchange(method, path, about, _summary(answer))
        if answer.decision:
            self._transcript.reason(answer.decision)
        self._transcript.document(">", document)
        self._transcript.document("<", answer.document)
        if answer.is_refusal:
            reason = str(answer.document.get("detail", "The answer is not a SCIM error, and has no reason."))
            self._transcript.reason(reason)
            raise Refused(reason, answer.status)
        return answer.document


def _summary(answer: Answer) -> str:
    document = answer.document
    if answer.is_refusal:
        return f"{answer.phrase}  {document.get('scimType', '')}".rstrip()
    if "totalResults" in document:
        return f"{answer.phrase}  {document['totalResults']} found"
    # Only the answer to a POST has a new id. In all other requests the id is in the path.
    is_news = answer.status == HTTPStatus.CREATED and "id" in document
    return f"{answer.phrase}  id {document['id']}" if is_news else answer.phrase
