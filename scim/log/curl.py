"""A SCIM request of the log as a command for a shell. The token is left out: the command reads it from a variable."""

import json
import shlex
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings

from scim.models import Method, Payload, ProvisioningRecord

_WITH_BODY: Final = frozenset({Method.POST.value, Method.PUT.value, Method.PATCH.value})
_TOKEN: Final = '''-H "Authorization: Bearer $SCIM_TOKEN"'''  # noqa: S105 - the name of a variable


def curl_of(record: ProvisioningRecord, payload: Payload) -> str:
    """Return the command that sends a request again, without its secrets. If the body was not kept, return an empty text.

    Only text of our own is outside of quotation marks. The message of the client is one quoted word in ASCII, so a shell runs no part of the message.
    """
    if record.method in _WITH_BODY and not isinstance(_tree(payload.sent), dict):
        return ""
    query = _tree(payload.query)
    address = f"{settings.PUBLIC_URL}/scim/{record.connection_slug}/v2{payload.path}"
    if isinstance(query, dict):
        kept = {name: value for name, value in query.items() if name != "other parameters"}
        address += f"?{urlencode(kept)}" if kept else ""
    words = [
        "curl",
        "-X",
        shlex.quote(record.method if record.method != Method.OTHER else "GET"),
        shlex.quote(address),
        _TOKEN,
    ]
    if payload.sent:
        words += ["-H", "'Content-Type: application/scim+json'", "--data-raw", shlex.quote(payload.sent)]
    return " ".join(words)


def _tree(text: str) -> Any:
    return json.loads(text) if text else None
