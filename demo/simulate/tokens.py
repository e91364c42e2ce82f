"""Where Okta's bearer token comes from: client credentials, or the code that an administrator's consent gave, renewed in time."""

import base64
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from demo.simulate.connection import DemoConnection, Unusable
from demo.simulate.http_json import USER_AGENT, Answer, send
from demo.simulate.private_file import read_json, write_json
from demo.simulate.transcript import Transcript

RENEW_BEFORE_SECONDS: Final = 60


class Tokens:
    """``file`` keeps what consent gave, so that a later run needs no administrator. Without it: client credentials."""

    def __init__(self, connection: DemoConnection, transcript: Transcript, file: Path | None = None) -> None:
        self._connection = connection
        self._transcript = transcript
        self._file = file
        self._kept = self._read()

    @property
    def consented(self) -> bool:
        return "refresh_token" in self._kept

    def bearer(self) -> str:
        """Return a token that is good for a minute or more. Raises `Unusable`: without one there is nothing to send."""
        if self._runs_out():
            # Another program may have renewed meanwhile; its refresh token is the one that counts.
            self._kept = self._read() or self._kept
        if self._runs_out():
            if self.consented:
                self.renew()
            else:
                self._keep(self._ask({"grant_type": "client_credentials", "scope": "scim"}), on_disk=False)
                self._transcript.say(f"Got a token from {self._connection.token_url}")
        return str(self._kept["access_token"])

    def exchange(self, code: str, redirect_uri: str) -> None:
        """Turn the code into tokens (RFC 6749 section 4.1.3), and keep them."""
        self._keep(self._ask({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}))
        self._transcript.say("Got a token and a refresh token for the code")

    def renew(self, *, losing_the_first_answer: bool = False) -> None:
        """Get new tokens (RFC 6749 section 6). An answer may get lost on its way; Okta then simply asks once more."""
        form = {"grant_type": "refresh_token", "refresh_token": str(self._kept["refresh_token"])}
        if losing_the_first_answer:
            self._ask(form)
            self._transcript.say("Asked for a new token; the answer was lost")
        try:
            answer = self._ask(form)
        except Unusable as error:
            raise Unusable(f"{error} Run --authorize again.") from error
        self._keep(answer)
        self._transcript.say("Renewed the token" + (" with the same refresh token" if losing_the_first_answer else ""))

    def _runs_out(self) -> bool:
        return float(self._kept.get("good_until", 0)) - RENEW_BEFORE_SECONDS <= time.time()

    def _ask(self, form: Mapping[str, str]) -> dict[str, Any]:
        pair = f"{quote(self._connection.client_id, safe='')}:{quote(self._connection.client_secret, safe='')}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}",
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": USER_AGENT,
        }
        answer = send("POST", self._connection.token_url, headers, urlencode(form).encode("ascii"))
        if answer.status != HTTPStatus.OK or not isinstance(answer.document.get("access_token"), str):
            raise Unusable(f"{self._connection.token_url} gave no token ({answer.phrase}: {_reason(answer)}).")
        return answer.document

    def _keep(self, answer: Mapping[str, Any], *, on_disk: bool = True) -> None:
        self._kept = {
            "client_id": self._connection.client_id,
            "access_token": answer["access_token"],
            "good_until": time.time() + float(answer.get("expires_in", 0)),
            # A server that does not rotate refresh tokens sends no new one.
            **{key: value for key in ("refresh_token",) if (value := answer.get(key) or self._kept.get(key))},
        }
        if on_disk and self._file is not None:
            write_json(self._file, self._kept)

    def _read(self) -> dict[str, Any]:
        kept = {} if self._file is None else read_json(self._file)
        return kept if kept.get("client_id") == self._connection.client_id else {}


def _reason(answer: Answer) -> str:
    return str(answer.document.get("error_description") or answer.document.get("error") or "no reason given")
