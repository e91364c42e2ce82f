"""The User resource (RFC 7644 section 3): read a message to a `Person`, call the service, return the stored resource."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from core_identity.selectors import resources
from core_identity.selectors.pages import number_of_resources, page_after, page_at
from core_identity.selectors.rows import with_pks
from core_identity.services.push import provisioning
from core_identity.services.push.outcomes import Outcome
from scim.resources import Document, user_document, user_version
from scim.search.cursors import Place, Question
from scim.search.lookups import look_up
from scim.search.query import user_condition, user_order
from scim.views.base import ScimView, id_in_address
from scim.views.listing import (
    Queried,
    Rows,
    Search,
    answer_to,
    body_of,
    search_in_body,
    search_in_query,
    selection_in_query,
)
from scim.wire.attributes import ResourceType
from scim.wire.deactivation import DEACTIVATION, contains_deactivation
from scim.wire.document import left_out
from scim.wire.errors import ScimError, UnclearBody
from scim.wire.filter import Filter, parse_filter
from scim.wire.list_response import Page, list_response
from scim.wire.selection import Selection
from scim.wire.user import UserWire, user_wire
from scim.wire.values import resource_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from django.db.models import QuerySet

    from core_identity.models import Connection, Identity
    from core_identity.selectors.rows import ResourceRow
    from core_identity.services.push.provisioning import Read
    from core_identity.values import Person


class UserView(ScimView):
    """The shared part of the list and of the single resource."""

    @property
    def wire(self) -> UserWire:
        return user_wire(self.connection.uid_attribute)

    @property
    def resource_type(self) -> ResourceType:
        return self.wire.resource_type

    def document(self, row: "ResourceRow") -> Document:
        return user_document(row, uid_attribute=self.connection.uid_attribute, address=self.address)

    @property
    def selection(self) -> Selection:
        """Return the attributes to return. Read it before the change: a fault in the query must not be found after it."""
        return selection_in_query(self.request, self.resource_type)

    def require_this_version(self, row: "ResourceRow") -> None:
        """Check the version under the lock, for a client that requires one."""
        if self.is_conditional:
            self.require_match(user_version(row))

    def answer(self, outcome: Outcome, selection: Selection) -> Response:
        """Return the stored resource (R19): the service may not have applied all of the message. It is read again if that is needed."""
        row = outcome.resource_row or resources.scim_identity(self.connection, outcome.identity.scim_id)
        return self.answer_row(row, selection, created=outcome.created)

    def answer_row(self, row: "ResourceRow", selection: Selection, *, created: bool = False) -> Response:
        document = self.document(row)
        return Response(
            selection.of(document),
            status=status.HTTP_201_CREATED if created else status.HTTP_200_OK,
            headers={"Location": document["meta"]["location"], "ETag": document["meta"]["version"]},
        )

    def list_answer(self, search: Search) -> Response:
        tree = None if search.filter is None else parse_filter(search.filter)
        if tree is not None and search.is_unsorted_by_index:
            people = look_up(tree, self.connection)
            if people is not None:
                page = search.page.of(len(people))
                return Response(list_response(len(people), search.page, self.documents(people[page], search)))
        return answer_to(
            search,
            self.rows(tree, search),
            Question(self.connection, "User", search.filter),
            lambda found: self.documents(found, search),
        )

    def rows(self, tree: Filter | None, search: Search) -> Rows["ResourceRow"]:
        if tree is None and search.sort is None:
            return Everybody(self.connection)
        identities = resources.scim_identities(self.connection)
        if tree is not None:
            identities = identities.filter(user_condition(tree, self.connection))
        if search.sort is not None:
            identities = identities.order_by(user_order(search.sort, self.connection), "created_at", "id")
        return Queried(identities, rows_of)

    def documents(self, found: "Iterable[ResourceRow]", search: Search) -> list[Document]:
        return [search.selection.of(self.document(one)) for one in found]


@dataclass(frozen=True)
class Everybody:
    """All Users of a connection in the order of their creation, without counting."""

    connection: "Connection"

    def at(self, page: Page) -> "tuple[list[ResourceRow], int]":
        return page_at(self.connection, page.start - 1, page.count)

    def after(self, place: Place | None, count: int) -> "list[ResourceRow]":
        if place is None:
            return self.at(Page(1, count))[0]
        return page_after(self.connection, place.created_at, place.pk, count)

    def total(self) -> int:
        return number_of_resources(self.connection)


def rows_of(identities: "QuerySet[Identity]") -> list["ResourceRow"]:
    """Return the rows for identities: their keys by one statement, their values by another."""
    return with_pks(list(identities.values_list("pk", flat=True)))


class Users(UserView):
    def get(self, request: Request, slug: str) -> Response:
        return self.list_answer(search_in_query(request, self.resource_type))

    def post(self, request: Request, slug: str) -> Response:
        selection = self.selection
        body = body_of(request)
        person = self.wire.read_new(body)
        outcome = provisioning.create_person(actor=self.actor, connection=self.connection, person=person)
        self.log_decision(_words(outcome, left_out(body, self.resource_type)))
        return self.answer(outcome, selection)


class SearchUsers(UserView):
    def post(self, request: Request, slug: str) -> Response:
        return self.list_answer(search_in_body(request, self.resource_type))


class OneUser(UserView):
    def get(self, request: Request, slug: str, resource: str) -> Response:
        row = resources.scim_identity(self.connection, id_in_address(resource))
        return self.not_modified(user_version(row)) or self.answer_row(row, self.selection)

    @cached_property
    def body(self) -> dict[str, Any]:
        """Return the body; of an ambiguous body that deactivates, the deactivation alone (R23). The framework parses only once."""
        try:
            return body_of(self.request)
        except UnclearBody as fault:
            if not contains_deactivation(fault.body, self.resource_type):
                raise
            return DEACTIVATION

    def put(self, request: Request, slug: str, resource: str) -> Response:
        body = self.body
        return self.change(id_in_address(resource), body, lambda row: self.wire.read_whole(body, row.attributes))

    def patch(self, request: Request, slug: str, resource: str) -> Response:
        body, scim_id = self.body, id_in_address(resource)

        def read(row: "ResourceRow") -> "Person":
            # The service reads again under the lock if anything changed, so the operations apply to this state.
            return self.wire.read_patch(body, self.document(row))

        return self.change(scim_id, body, read, is_patch=True)

    def deactivates_somebody(self) -> bool:
        scim_id = resource_id(self.kwargs["resource"])
        if scim_id is None or not resources.has_active(self.connection, [scim_id]):
            return False
        if self.request.method in ("PUT", "PATCH"):
            try:
                return contains_deactivation(self.body, self.resource_type)
            except (ScimError, APIException):
                return False
        return self.request.method == "DELETE" and self._demands_present_version(scim_id)

    def _demands_present_version(self, scim_id: "UUID") -> bool:
        """Whether a DELETE passes its precondition. A refused one ends no access, so clients could send it without limit."""
        if not self.is_conditional:
            return True
        try:
            self.require_match(user_version(resources.scim_identity(self.connection, scim_id)))
        except ScimError:
            return False
        return True

    def delete(self, request: Request, slug: str, resource: str) -> Response:
        provisioning.remove_person(
            actor=self.actor,
            connection=self.connection,
            scim_id=id_in_address(resource),
            check=self.require_this_version,
        )
        self.log_decision("deleted: the resource is gone, the user is expired")
        return Response(status=status.HTTP_204_NO_CONTENT)

    def change(self, scim_id: "UUID", body: dict[str, Any], read: "Read", *, is_patch: bool = False) -> Response:
        deactivates = contains_deactivation(body, self.resource_type)
        try:
            selection = self.selection
        except ScimError:
            if not deactivates:
                raise
            selection = Selection(self.resource_type)  # a fault in the query must not block a deactivation (R23)

        def read_this_version(row: "ResourceRow") -> "Person":
            if not deactivates:  # R23: no version blocks a deactivation
                self.require_this_version(row)
            return read(row)

        outcome = provisioning.change_person(
            actor=self.actor,
            connection=self.connection,
            scim_id=scim_id,
            read=read_this_version,
            deactivates=deactivates,
            is_patch=is_patch,
        )
        self.log_decision(_words(outcome, left_out(body, self.resource_type)))
        return self.answer(outcome, selection)


def _words(outcome: Outcome, ignored: tuple[str, ...]) -> str:
    """Return the decision in words. A plain change without a remark is just that."""
    return "; ".join((*outcome.notes, *ignored)) or "changed"
