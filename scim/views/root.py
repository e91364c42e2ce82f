"""The root of the service: one search over all resource types (RFC 7644 section 3.4.3), and /Me, which is not supported."""

from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from core_identity.selectors import resources
from scim.search.cursors import Question, after, belongs_to, next_cursor, place_of
from scim.search.query import group_condition, user_condition
from scim.views.base import ScimView
from scim.views.groups import GroupView
from scim.views.listing import Search, search_in_body
from scim.views.users import UserView, rows_of
from scim.wire.errors import InvalidFilter, InvalidValue, NotDone
from scim.wire.list_response import cursor_response, list_response
from scim.wire.resource_types import GROUP_TYPE, user_type

if TYPE_CHECKING:
    from core_identity.models import Identity, PushGroup
    from core_identity.selectors.rows import ResourceRow

NOBODY = Q(pk__in=[])


class SearchAll(ScimView):
    """Search Users first, then Groups. A filter with an attribute of only one type finds only resources of this type."""

    def post(self, request: Request, slug: str) -> Response:
        search = search_in_body(request, user_type(self.connection.uid_attribute))
        of_groups = search_in_body(request, GROUP_TYPE)
        if search.sort is not None:
            raise InvalidValue("A search over all resource types cannot be sorted. Use sortBy at /Users or /Groups.")
        users, groups = resources.scim_identities(self.connection), resources.push_groups(self.connection)
        if search.filter is not None:
            of_users, of_group = self._conditions(search.filter)
            users, groups = users.filter(of_users), groups.filter(of_group)
        if search.cursor is not None:
            people, push_groups, total, following = self._page(search, search.cursor, users, groups)
            return Response(cursor_response(total, following, self._documents(people, push_groups, search, of_groups)))
        user_count = users.count()
        total = user_count + groups.count()
        window = search.page.of(total)
        people, push_groups = [], []
        if window.start < min(window.stop, user_count):
            people = rows_of(users[window.start : min(window.stop, user_count)])
        if window.stop > user_count:
            push_groups = list(groups[max(window.start - user_count, 0) : window.stop - user_count])
        return Response(list_response(total, search.page, self._documents(people, push_groups, search, of_groups)))

    def _page(
        self, search: Search, cursor: str, users: QuerySet["Identity"], groups: QuerySet["PushGroup"]
    ) -> tuple[list["ResourceRow"], list["PushGroup"], int, str | None]:
        """Return the Users and Groups of the page after ``cursor``, the number of all, and the next cursor.

        Each type has its own cursors.
        """
        of_users, of_groups = (Question(self.connection, f"all {name}", search.filter) for name in ("User", "Group"))
        count, people, later = search.page.count, [], groups
        if belongs_to(cursor, of_groups):
            place = place_of(cursor, of_groups)
            later = after(groups, place)
        else:
            place = place_of(cursor, of_users)
            people = rows_of(after(users, place)[: count + 1])
        push_groups = list(later[: count + 1 - len(people)])
        more = len(people) + len(push_groups) > count
        people, push_groups = people[:count], push_groups[: max(count - len(people), 0)]
        total = users.count() + groups.count() if place is None else place.total
        if more and push_groups:
            return people, push_groups, total, next_cursor(push_groups[-1], of_groups, total)
        return people, push_groups, total, next_cursor(people[-1], of_users, total) if more and people else None

    def _documents(
        self, people: list["ResourceRow"], push_groups: list["PushGroup"], search: Search, of_groups: Search
    ) -> list[dict[str, Any]]:
        users = UserView(request=self.request, kwargs=self.kwargs)
        groups = GroupView(request=self.request, kwargs=self.kwargs)
        documents = [search.selection.of(users.document(one)) for one in people]
        return [*documents, *groups.documents(push_groups, of_groups.selection)]

    def _conditions(self, text: str) -> tuple[Q, Q]:
        """Return the conditions for Users and for Groups. Raises `InvalidFilter` if the filter is valid for neither."""
        try:
            of_users = user_condition(text, self.connection)
        except InvalidFilter as fault:
            try:
                return NOBODY, group_condition(text, self.connection)
            except InvalidFilter:
                raise fault from None
        try:
            return of_users, group_condition(text, self.connection)
        except InvalidFilter:
            return of_users, NOBODY


class Me(ScimView):
    """Refuse /Me (RFC 7644 section 3.11). A token belongs to a connection and not to a person, so there is no *me*."""

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotDone(
            "/Me is not supported: the token belongs to a connection, not to a person. Use /Users with an id."
        )
