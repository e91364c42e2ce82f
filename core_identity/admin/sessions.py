"""End the sessions of a user (R21, R36). The page needs a permission of its own, and shows what will end."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from core_identity.admin.guarded import is_guarded_from
from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.pages import Access, RowPage
from core_identity.models import User
from core_identity.selectors.sessions import sessions_of
from core_identity.services.sessions import end_sessions


class EndSessionsForm(ReasonForm):
    user: User

    def write(self) -> int:
        return end_sessions(actor=self.actor, user_id=self.user.pk, reason=self.cleaned_data["reason"])


class EndSessionsPage(RowPage):
    name = "end-sessions"
    title = "End the sessions of {row}"
    access = Access.VIEW
    permission = "core_identity.end_session"
    form_class = EndSessionsForm
    template_name = "admin/core_identity/user/end_sessions.html"
    done = "{row}: {written} ended. The reason is in the events."

    def may_open(self) -> bool:
        return self.row.merged_into_id is None and not is_guarded_from(self.request, self.row)

    def message(self, form: EndSessionsForm) -> str:
        words = "1 session" if form.written == 1 else f"{form.written} sessions"
        return self.done.format(row=self.row, written=words)

    def form_valid(self, form: EndSessionsForm) -> HttpResponse:
        if self.row != self.request.user:
            return super().form_valid(form)
        logout(self.request)  # the session of this request has ended too
        messages.success(self.request, "Your sessions ended. Sign in again.")
        return HttpResponseRedirect(reverse("admin:login"))

    def facts(self, form: EndSessionsForm) -> dict[str, Any]:
        return {"sessions": sessions_of(self.row), "is_oneself": self.row == self.request.user}
