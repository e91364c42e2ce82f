"""The root of the service: one search over all resource types (RFC 7644 section 3.4.3), and what is not done there."""

from typing import Any

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from core_identity.selectors import resources
from scim.query import group_condition, user_condition
from scim.views.base import ScimView
from scim.views.groups import GroupView
from scim.views.listing import search_in_body
from scim.views.users import UserView
from scim.wire.errors import InvalidFilter, InvalidValue, NotDone
from scim.wire.list_response import list_response
from scim.wire.resource_types import GROUP_TYPE, user_type

NOBODY = Q(pk__in=[])


class SearchAll(ScimView):
    """Users first, then Groups. A filter that speaks of what only one of them has finds only those."""

    def post(self, request: Request, slug: str) -> Response:
        search = search_in_body(request, user_type(self.connection.uid_attribute))
        of_groups = search_in_body(request, GROUP_TYPE)
        if search.sort is not None or search.cursor is not None:
            raise InvalidValue(
                "A search over all resource types is neither sorted nor paged by cursor. Search /Users or /Groups."
            )
        users, groups = resources.scim_identities(self.connection), resources.push_groups(self.connection)
        if search.filter is not None:
            of_users, of_group = self._conditions(search.filter)
            users, groups = users.filter(of_users), groups.filter(of_group)
        people, total = users.count(), 0
        total = people + groups.count()
        wanted = search.page.of(total)
        documents: list[dict[str, Any]] = []
        if wanted.start < min(wanted.stop, people):
            shown = UserView(request=request, kwargs=self.kwargs)
            found = resources.with_rendering(users)[wanted.start : min(wanted.stop, people)]
            documents += [search.selection.of(shown.document(one)) for one in found]
        if wanted.stop > people:
            listed = GroupView(request=request, kwargs=self.kwargs)
            start = max(wanted.start - people, 0)
            documents += listed.documents(groups[start : wanted.stop - people], of_groups.selection)
        return Response(list_response(total, search.page, documents))

    def _conditions(self, text: str) -> tuple[Q, Q]:
        """Return what ``text`` means for Users and for Groups. Raises `InvalidFilter` where it means nothing for either."""
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
    """RFC 7644 section 3.11. A token here is a connection's and nobody's own, so there is no *me*."""

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotDone(
            "/Me is not done here: the token belongs to a connection, not to a person. Use /Users with an id."
        )
