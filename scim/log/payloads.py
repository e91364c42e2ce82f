"""The parts of a SCIM request that are stored for a short time: the message and the answer, without secrets and with a limit of size (R35)."""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core_identity.lookup_keys import lookup_keys
from scim.wire import urns
from scim.wire.redaction import LEFT_OUT, MAX_ITEMS, Redaction
from scim.wire.secret_names import may_contain_secret

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from scim.log.trace import Trace

MAX_PAYLOAD: Final = 32 * 1024
"""The maximum length of a stored body. A longer one is replaced by its length."""
MAX_SENTENCE: Final = 1024
MAX_PATH: Final = 200
_PART: Final = re.compile(
    r"Users|Groups|Roles|Me|Bulk|ServiceProviderConfig|ResourceTypes|Schemas|\.search|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
WITHHELD: Final = "(left out: the sentence quotes a secret)"

_PARAMETERS: Final = {
    name.lower(): name
    for name in ("filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder")
}
"""The parameters of a query that are stored. Nobody needs others, and they may contain anything."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The values of a log row that come from a request. ``keys`` find it; ``query``, ``sent`` and ``answered`` are JSON in ASCII, or empty.

    ``path`` begins below the base URL.
    """

    sentence: str = ""
    keys: tuple[int, ...] = ()
    path: str = ""
    query: str = ""
    sent: str = ""
    answered: str = ""
    resource: str = ""
    """The id of the one resource that a lookup found."""


def kept_of(request: "HttpRequest", response: "HttpResponseBase", trace: "Trace") -> Kept:
    """Return the parts that may be stored of a request whose client authenticated."""
    redaction = Redaction(token=_token(request))
    query = _query(request, redaction)
    sent = "" if trace.body is None else _json(redaction.tree(_without_operations(trace.body)))
    name = _named_in_path(request)
    names = [*redaction.names, name] if name else redaction.names
    if may_contain_secret(name):
        redaction.secrets.append(name)
    detail = trace.error.detail if trace.error else ""
    sentence = WITHHELD if redaction.quotes_secret(detail) else _clean(detail)
    document = getattr(response, "data", None)
    answer = Redaction(token=redaction.token)
    answered = _answer(document, sentence, trace, answer)
    return Kept(
        sentence=sentence,
        keys=tuple(lookup_keys([*names, *answer.names])),
        path=_path(request)[:MAX_PATH],
        query=_json(query) if query else "",
        sent=sent,
        answered=answered,
        resource=_only_resource(document),
    )


def _token(request: "HttpRequest") -> str:
    return str(request.META.get("HTTP_AUTHORIZATION", "")).rpartition(" ")[2]


def _query(request: "HttpRequest", redaction: Redaction) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if not request.META.get("QUERY_STRING"):
        return kept
    for parameter, values in request.GET.lists():
        name = _PARAMETERS.get(parameter.lower())
        if name == "filter":
            kept[name] = redaction.filter(values[-1])
        elif name is not None:
            kept[name] = redaction.tree(values[-1], name)
        else:
            kept["other parameters"] = LEFT_OUT
    return kept


def _path(request: "HttpRequest") -> str:
    """Return the path below the base URL: words of SCIM and ids. A client may have written anything else there."""
    return "".join(f"/{part if _PART.fullmatch(part) else LEFT_OUT}" for part in request.path_info.split("/")[4:])


def _named_in_path(request: "HttpRequest") -> str:
    """Return the part of the path where an id belongs. Some clients write a userName there, and the sentence repeats it."""
    parts = request.path_info.split("/")
    return parts[5] if len(parts) > 5 else ""


def _without_operations(body: dict[str, Any]) -> dict[str, Any]:
    """Return a message of Bulk without the data of its operations: each of them has a row of its own."""
    found = {name.lower(): value for name, value in body.items()}
    operations = found.get("operations")
    if not isinstance(operations, list) or not urns.names_message(found.get("schemas"), urns.BULK_REQUEST):
        return body
    return {**body, _name_of("operations", body): [_outline(one) for one in operations[: MAX_ITEMS + 1]]}


def _name_of(lower_name: str, body: dict[str, Any]) -> str:
    return next(name for name in body if name.lower() == lower_name)


def _outline(operation: Any) -> Any:
    if not isinstance(operation, dict):
        return LEFT_OUT
    return {name: value for name, value in operation.items() if name.lower() in {"method", "path", "bulkid"}}


def _answer(document: Any, sentence: str, trace: "Trace", redaction: Redaction) -> str:
    """Return the stored form of an answer: a whole resource, the ids of a list, or an error with its stored sentence."""
    if trace.error is not None:
        return _json({**trace.error.to_dict(), "detail": sentence})
    if not isinstance(document, dict):
        return ""
    schemas = document.get("schemas")
    if isinstance(found := document.get("Resources"), list):
        if found and not _is_of_somebody(found[0].get("schemas")):
            return ""
        ids = [{"id": one.get("id")} for one in found[:MAX_ITEMS]]
        more = len(found) - len(ids)
        kept = {**document, "Resources": [*ids, f"({more} more)"] if more else ids}
        kept.pop("nextCursor", None)
        return _json(kept)
    if schemas == [urns.BULK_RESPONSE]:
        done = [
            {name: one[name] for name in ("method", "bulkId", "status") if name in one}
            for one in document["Operations"]
        ]
        return _json(redaction.tree({**document, "Operations": done}))
    if "id" not in document or not _is_of_somebody(schemas):
        return ""  # a discovery document is the same for all clients
    return _json(redaction.tree(document))


def _is_of_somebody(schemas: Any) -> bool:
    return isinstance(schemas, list) and bool({urns.USER, urns.GROUP} & set(schemas))


def _only_resource(document: Any) -> str:
    """Return the id of the resource that a look-up found, if it found exactly one."""
    if not isinstance(document, dict) or document.get("totalResults") != 1:
        return ""
    found = document.get("Resources")
    return str(found[0].get("id", "")) if isinstance(found, list) and found else ""


def _json(tree: Any) -> str:
    text = json.dumps(tree)
    return text if len(text) <= MAX_PAYLOAD else json.dumps(f"(left out: {len(text)} characters)")


def _clean(sentence: str) -> str:
    """Return a sentence without characters that the database cannot store."""
    return sentence.replace("\0", "").encode("utf-8", "replace").decode()[:MAX_SENTENCE]
