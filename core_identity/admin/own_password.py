from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from core_identity.admin_kit.forms import actor_of
from core_identity.budgets import hash_of_address
from core_identity.password_guard import require_password_budget
from core_identity.services.password_events import note_refusal
from core_identity.services.users import set_password


class OwnPasswordView(PasswordChangeView):
    """Django's page; the password is written by the service, which leaves an event (R34). A wrong old password counts as a refused sign-in."""

    form_class = AdminPasswordChangeForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_password_budget(request, request.user.get_username())
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        if form.has_error("old_password", "password_incorrect"):
            name = form.user.get_username()
            note_refusal(actor=actor_of(self.request), name=name, network=hash_of_address(self.request))
        return super().form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        set_password(actor=actor_of(self.request), user_id=form.user.pk, password=form.cleaned_data["new_password1"])
        form.user.refresh_from_db(fields=["password"])
        update_session_auth_hash(self.request, form.user)
        return HttpResponseRedirect(self.get_success_url())
