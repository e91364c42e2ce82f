"""BulkRequest and BulkResponse (RFC 7644 section 3.7): the operations, their order, and references between them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from scim.wire import urns
from scim.wire.errors import InvalidSyntax, InvalidValue, PayloadTooLarge, shown

MAX_OPERATIONS: Final = 500
MAX_PAYLOAD: Final = 4 * 1024 * 1024
"""The limits, in operations and bytes, which ServiceProviderConfig announces."""

REFERENCE: Final = "bulkId:"
_PATH: Final = re.compile(r"/+(Users|Groups)(?:/+([^/?#]+))?/*\Z")
_METHODS: Final = {"POST": False, "PUT": True, "PATCH": True, "DELETE": True}
"""Each method, and whether its path contains the id of a resource."""


@dataclass(frozen=True)
class Operation:
    """One valid operation. ``endpoint`` is Users or Groups; ``resource`` is an id or a reference, empty for POST."""

    method: str
    endpoint: str
    resource: str
    bulk_id: str
    version: str
    data: dict[str, Any]

    @cached_property
    def awaits(self) -> frozenset[str]:
        """The ``bulkId`` of each operation that this one refers to."""
        named = {one.removeprefix(REFERENCE) for one in _texts(self.data) if one.startswith(REFERENCE)}
        if self.resource.startswith(REFERENCE):
            named.add(self.resource.removeprefix(REFERENCE))
        return frozenset(named)

    def resolved(self, ids: Mapping[str, str]) -> "Operation":
        """Return the operation with ids in place of references. Raises `InvalidValue` for a reference without an id."""
        for name in sorted(self.awaits):
            if name not in ids:
                raise InvalidValue(
                    f"The reference {shown(REFERENCE + name)} leads nowhere: the operation that it names failed, or does not exist."
                )
        resource = self.resource
        if resource.startswith(REFERENCE):
            resource = ids[resource.removeprefix(REFERENCE)]
        return Operation(self.method, self.endpoint, resource, self.bulk_id, self.version, _replaced(self.data, ids))


@dataclass(frozen=True)
class BulkRequest:
    """``operations`` contains each operation or its fault. ``fail_on_errors`` None: apply all, whatever fails."""

    operations: tuple[Operation | InvalidSyntax | InvalidValue, ...]
    raw: tuple[Mapping[str, Any], ...]
    fail_on_errors: int | None

    def order(self) -> list[int]:
        """Return the positions in the order of execution: as sent, but each operation after those that it refers to.

        Operations that refer to each other in a ring come last, and their references have no id.
        """
        makers = {
            one.bulk_id: at for at, one in enumerate(self.operations) if isinstance(one, Operation) and one.bulk_id
        }
        done: list[int] = []
        placed: set[int] = set()
        for start in range(len(self.operations)):
            stack, on_the_way = [start], {start}
            while stack:
                at = stack[-1]
                one = self.operations[at]
                waits = {makers[name] for name in one.awaits if name in makers} if isinstance(one, Operation) else set()
                ahead = sorted(waits - placed - on_the_way)
                if at in placed or not ahead:
                    stack.pop()
                    if at not in placed:
                        placed.add(at)
                        done.append(at)
                else:
                    stack.append(ahead[0])
                    on_the_way.add(ahead[0])
        return done


def read_bulk(body: Mapping[str, Any]) -> BulkRequest:
    """Read a BulkRequest. Raises `InvalidSyntax`, `InvalidValue`, `PayloadTooLarge` for a fault of the whole message."""
    parts = {name.lower(): value for name, value in body.items()}
    if not urns.names_message(parts.get("schemas"), urns.BULK_REQUEST):
        raise InvalidSyntax(f"schemas must contain {urns.BULK_REQUEST}.")
    operations = parts.get("operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("Operations must be a list with at least one operation.")
    if len(operations) > MAX_OPERATIONS:
        raise PayloadTooLarge(f"The request has {len(operations)} operations. At most {MAX_OPERATIONS} are permitted.")
    limit = parts.get("failonerrors")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise InvalidValue(f"failOnErrors must be a whole number of at least 1, not {shown(limit)}.")
    raw = tuple(one if isinstance(one, dict) else {} for one in operations)
    read = [_read_or_fault(one) for one in operations]
    bulk_ids: set[str] = set()
    for at, one in enumerate(read):
        if isinstance(one, Operation) and one.bulk_id:
            if one.bulk_id in bulk_ids:
                twice = InvalidValue(f"The bulkId {shown(one.bulk_id)} occurs twice.")
                read[at] = twice if one.method == "POST" else replace(one, bulk_id="")  # only a POST needs one
            bulk_ids.add(one.bulk_id)
    return BulkRequest(tuple(read), raw, limit)


def _read_or_fault(parts: object) -> Operation | InvalidSyntax | InvalidValue:
    try:
        return _read(parts)
    except (InvalidSyntax, InvalidValue) as fault:
        return fault


def _read(operation: object) -> Operation:
    if not isinstance(operation, dict):
        raise InvalidSyntax("An operation must be an object.")
    parts = {name.lower(): value for name, value in operation.items()}
    method, path, bulk_id = parts.get("method"), parts.get("path"), parts.get("bulkid", "")
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise InvalidSyntax(f"method is one of {', '.join(_METHODS)}, not {shown(method)}.")
    method = method.upper()
    address = _PATH.match(path) if isinstance(path, str) else None
    if address is None:
        raise InvalidValue(f"path is /Users or /Groups, with or without an id, not {shown(path)}.")
    if _METHODS[method] != (address[2] is not None):
        raise InvalidValue(
            f"The path of a {method} must contain {'the id of a resource' if _METHODS[method] else 'no id'}."
        )
    if not isinstance(bulk_id, str):
        bulk_id = ""
    if method == "POST" and not bulk_id:
        raise InvalidSyntax("A POST needs a bulkId, which is a text (RFC 7644 section 3.7).")
    version, data = parts.get("version") or "", parts.get("data")
    if not isinstance(version, str):
        version = json.dumps(version)  # no resource has this version: the answer is 412, or it does not matter (R23)
    if method != "DELETE" and not isinstance(data, dict):
        raise InvalidSyntax(f"A {method} needs data, which is an object.")
    return Operation(method, address[1], address[2] or "", bulk_id, version, data if isinstance(data, dict) else {})


def bulk_response(operations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemas": [urns.BULK_RESPONSE], "Operations": operations}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _replaced(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str) and value.startswith(REFERENCE):
        return ids[value.removeprefix(REFERENCE)]
    if isinstance(value, dict):
        return {name: _replaced(inner, ids) for name, inner in value.items()}
    return [_replaced(inner, ids) for inner in value] if isinstance(value, list) else value
