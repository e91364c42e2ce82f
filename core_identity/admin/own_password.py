from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse, HttpResponseRedirect

from core_identity.admin.forms import actor_of
from core_identity.services.users import set_password


class OwnPasswordView(PasswordChangeView):
    """Django's page; the password is written by the service, which leaves an event (R34)."""

    form_class = AdminPasswordChangeForm

    def form_valid(self, form: Any) -> HttpResponse:
        set_password(actor=actor_of(self.request), user_id=form.user.pk, password=form.cleaned_data["new_password1"])
        form.user.refresh_from_db(fields=["password"])
        update_session_auth_hash(self.request, form.user)
        return HttpResponseRedirect(self.get_success_url())
