"""The Group resource (RFC 7644 section 3). Members are read as sets, and returned by at most one query."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core_identity.selectors import group_rows, resources
from core_identity.services import groups
from scim.resources import Document, group_document
from scim.search.cursors import Question
from scim.search.query import group_condition, group_order
from scim.views.base import MAX_GROUP_BODY, ScimView, id_in_address
from scim.views.listing import Queried, Search, answer_to, body_of, search_in_body, search_in_query, selection_in_query
from scim.wire.document import GROUP_MEMBER, left_out
from scim.wire.group import read_group, read_group_patch
from scim.wire.preconditions import entity_tag
from scim.wire.resource_types import GROUP_TYPE
from scim.wire.selection import Selection

if TYPE_CHECKING:
    from core_identity.models import PushGroup
    from core_identity.values import GroupChange

MOST_SHOWN: Final = 50
"""A PATCH of a group with more members is answered by 204, so adding one member costs the same at any size (RFC 7644 section 3.5.2)."""


class GroupView(ScimView):
    """The shared part of the list and of the single resource."""

    max_body = MAX_GROUP_BODY

    def documents(self, found: Iterable["PushGroup"], selection: Selection) -> list[Document]:
        found = list(found)
        unread = [group.pk for group in found if group.answer_ids is None] if selection.shows("members") else []
        members = group_rows.group_members(unread) if unread else {}
        address = self.address
        return [
            selection.of(group_document(group, members=group.answer_ids or members.get(group.pk, []), address=address))
            for group in found
        ]

    def answer(self, group: "PushGroup", *, created: bool = False) -> Response:
        [document] = self.documents([group], selection_in_query(self.request, GROUP_TYPE))
        return Response(
            document,
            status=status.HTTP_201_CREATED if created else status.HTTP_200_OK,
            headers=self.headers_of(group),
        )

    def headers_of(self, group: "PushGroup") -> dict[str, str]:
        return {"Location": self.address.of("Groups", group.scim_id), "ETag": entity_tag(group.version)}

    def list_answer(self, search: Search) -> Response:
        found = resources.push_groups(self.connection)
        if search.filter is not None:
            found = found.filter(group_condition(search.filter, self.connection))
        if search.sort is not None:
            found = found.order_by(group_order(search.sort, self.connection), "created_at", "id")
        return answer_to(
            search,
            Queried(found, list),
            Question(self.connection, "Group", search.filter),
            lambda rows: self.documents(rows, search.selection),
        )


class Groups(GroupView):
    def get(self, request: Request, slug: str) -> Response:
        return self.list_answer(search_in_query(request, GROUP_TYPE))

    def post(self, request: Request, slug: str) -> Response:
        # Read before the change: a fault in the query must not be found after it.
        selection_in_query(request, GROUP_TYPE)
        body = body_of(request)
        change = read_group(body, whole=False)
        group = groups.create_group(actor=self.actor, connection=self.connection, change=change)
        self.log_decision(_words(group, body))
        return self.answer(group, created=True)


class SearchGroups(GroupView):
    def post(self, request: Request, slug: str) -> Response:
        return self.list_answer(search_in_body(request, GROUP_TYPE))


class OneGroup(GroupView):
    def get(self, request: Request, slug: str, resource: str) -> Response:
        scim_id = id_in_address(resource)
        if self.is_conditional or not selection_in_query(request, GROUP_TYPE).shows("members"):
            group = group_rows.push_group(self.connection, scim_id)
        else:
            group, row = group_rows.group_with_named(self.connection, scim_id)
            group.answer_ids = row.shown
        return self.not_modified(group.version) or self.answer(group)

    def put(self, request: Request, slug: str, resource: str) -> Response:
        body = body_of(request)
        return self.change(resource, body, lambda: read_group(body, whole=True), whole=True)

    def patch(self, request: Request, slug: str, resource: str) -> Response:
        body = body_of(request)
        return self.change(resource, body, lambda: read_group_patch(body), may_be_silent=True)

    def delete(self, request: Request, slug: str, resource: str) -> Response:
        groups.remove_group(
            actor=self.actor,
            connection=self.connection,
            scim_id=id_in_address(resource),
            check=lambda group: self.require_match(group.version),
        )
        self.log_decision("group deleted: its memberships ended")
        return Response(status=status.HTTP_204_NO_CONTENT)

    def change(
        self,
        resource: str,
        body: dict[str, Any],
        read: "Callable[[], GroupChange]",
        *,
        whole: bool = False,
        may_be_silent: bool = False,
    ) -> Response:
        scim_id = id_in_address(resource)
        # Read before the change: a fault in the query must not be found after it.
        selection = selection_in_query(self.request, GROUP_TYPE)
        read_once = cache(read)  # the service reads a change before and under the lock

        def read_this_version(group: "PushGroup") -> "GroupChange":
            self.require_match(group.version)
            return read_once()

        group = groups.change_group(
            actor=self.actor, connection=self.connection, scim_id=scim_id, read=read_this_version, whole=whole
        )
        self.log_decision(_words(group, body))
        if may_be_silent and selection.is_whole and group.member_count > MOST_SHOWN:
            return Response(status=status.HTTP_204_NO_CONTENT, headers=self.headers_of(group))
        return self.answer(group)


def _words(group: "PushGroup", body: object) -> str:
    notes = left_out(body, GROUP_TYPE)
    if group.named_groups and GROUP_MEMBER not in notes:
        notes += (GROUP_MEMBER,)
    return "; ".join(("group linked to a role" if group.role_id else "group waits for a role", *notes))
