"""Bulk (RFC 7644 section 3.7): every operation is a request of its own to the ordinary view.

So each operation is checked, decided, written and logged as if it had come alone. Each has its own transaction, and no failure undoes another
operation.
"""

import json
import time
from dataclasses import replace
from http import HTTPStatus
from io import BytesIO
from typing import Any, Final

from django.core.handlers.wsgi import WSGIRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from core_identity.brand import BRAND
from core_identity.selectors import resources
from scim.log.provisioning_log import record
from scim.log.trace import trace_of
from scim.middleware import MEDIA_TYPE
from scim.views import groups, users
from scim.views.base import ScimView
from scim.views.listing import body_of
from scim.wire.bulk import MAX_PAYLOAD, REFERENCE, Operation, bulk_response, read_bulk
from scim.wire.deactivation import DEACTIVATION, contains_deactivation
from scim.wire.errors import InvalidValue, ScimError, Unavailable
from scim.wire.resource_types import user_type
from scim.wire.values import resource_id

_VIEWS: Final[dict[tuple[str, bool], Any]] = {
    ("Users", False): users.Users.as_view(),
    ("Users", True): users.OneUser.as_view(),
    ("Groups", False): groups.Groups.as_view(),
    ("Groups", True): groups.OneGroup.as_view(),
}


class Bulk(ScimView):
    max_body = MAX_PAYLOAD

    def post(self, request: Request, slug: str) -> Response:
        bulk = read_bulk(body_of(request))
        ids: dict[str, str] = {}
        answers: dict[int, dict[str, Any]] = {}
        errors = 0
        busy: Unavailable | None = None
        for at in bulk.order():
            operation = bulk.operations[at]
            if busy is not None:  # each further operation would wait as long, and block a thread
                answer = self._refused(busy)
            else:
                answer = self._refused(operation) if isinstance(operation, ScimError) else self._done(operation, ids)
            if answer["status"] == str(Unavailable.status):
                busy = Unavailable(
                    f"{BRAND} could not do an earlier operation at present, so this one was not tried. Send it again later."
                )
            sent = bulk.raw[at]
            labels = {"method": str(sent.get("method", "")).upper(), "bulkId": sent.get("bulkId")}
            answers[at] = {**{name: value for name, value in labels.items() if value}, **answer}
            errors += "response" in answer
            if bulk.fail_on_errors is not None and errors >= bulk.fail_on_errors:
                break
        self.log_decision(
            f"bulk: {len(answers) - errors} done, {errors} refused, {len(bulk.operations) - len(answers)} not tried"
        )
        return Response(bulk_response([answers[at] for at in sorted(answers)]))

    def deactivates_somebody(self) -> bool:
        """Count each operation by itself, so that the other operations of the message can be refused one by one."""
        try:
            operations = read_bulk(body_of(self.request)).operations
        except (ScimError, APIException):
            return False
        leaving = (one for one in operations if isinstance(one, Operation) and self._ends_access(one))
        return resources.has_active(self.connection, [id_ for one in leaving if (id_ := resource_id(one.resource))])

    def _ends_access(self, operation: Operation) -> bool:
        deletes = operation.endpoint == "Users" and operation.method == "DELETE"
        return deletes or self._deactivates(operation)

    def _done(self, operation: Operation, ids: dict[str, str]) -> dict[str, Any]:
        """Apply one operation. Store the id of its resource under its bulkId."""
        try:
            resolved = operation.resolved(ids)
        except InvalidValue as fault:
            if not self._deactivates(operation):
                return self._refused(fault)
            resolved = replace(operation, method="PATCH", data=DEACTIVATION)
        response = self._send(resolved)
        resource = resolved.resource
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            answer: dict[str, Any] = {"status": str(response.status_code), "response": response.data}
            if resource:
                answer["location"] = self.address.of(operation.endpoint, resource)
            return answer
        if response.data is not None:
            resource = response.data["id"]
        if operation.bulk_id:
            ids[operation.bulk_id] = resource
        answer = {"location": self.address.of(operation.endpoint, resource), "status": str(response.status_code)}
        return answer if "ETag" not in response.headers else {**answer, "version": response.headers["ETag"]}

    def _deactivates(self, operation: Operation) -> bool:
        """Whether the operation deactivates a person by id. If so, an unknown reference in its data does not block it (R23)."""
        has_id = operation.endpoint == "Users" and not operation.resource.startswith(REFERENCE)
        return (
            has_id
            and operation.method in {"PUT", "PATCH"}
            and contains_deactivation(operation.data, user_type(self.connection.uid_attribute))
        )

    def _send(self, operation: Operation) -> Response:
        outer = self.request._request
        content = b"" if operation.method == "DELETE" else json.dumps(operation.data).encode()
        path = f"/scim/{self.connection.slug}/v2/{operation.endpoint}/{operation.resource}".rstrip("/")
        environ = {
            "REQUEST_METHOD": operation.method,
            "PATH_INFO": path.encode("utf-8", "replace").decode("latin-1"),  # the form of WSGI (PEP 3333)
            "QUERY_STRING": "",
            "SERVER_NAME": outer.META.get("SERVER_NAME", ""),
            "SERVER_PORT": outer.META.get("SERVER_PORT", ""),
            "REMOTE_ADDR": outer.META.get("REMOTE_ADDR", ""),
            "HTTP_HOST": outer.META.get("HTTP_HOST", ""),
            "HTTP_AUTHORIZATION": outer.META.get("HTTP_AUTHORIZATION", ""),
            "CONTENT_TYPE": MEDIA_TYPE,
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": BytesIO(content),
            "wsgi.url_scheme": outer.scheme,
        }
        if operation.version:
            environ["HTTP_IF_MATCH"] = operation.version
        request = WSGIRequest(environ)
        request.request_id = getattr(outer, "request_id", "")  # type: ignore[attr-defined]  # one reference finds all of it
        url_arguments = {"resource": operation.resource} if operation.resource else {}
        started = time.monotonic()
        view = _VIEWS[operation.endpoint, bool(operation.resource)]
        response: Response = view(request, slug=self.connection.slug, **url_arguments)
        # R35: an administrator finds each operation in the log.
        record(request, response, trace_of(request), (time.monotonic() - started) * 1000)
        return response

    def _refused(self, fault: ScimError) -> dict[str, Any]:
        reference = getattr(self.request._request, "request_id", "")
        return {"status": str(fault.status), "response": fault.to_dict(reference)}
