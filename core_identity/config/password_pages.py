"""Let the administration's sign-in lead only to a path of ours, and never to another sign-in."""

from django.http import HttpRequest
from django.urls import reverse

from core_identity.admin import password_sign_in
from sso.sign_in.redirects import safe_path


class PasswordSignInView(password_sign_in.PasswordSignInView):
    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        name = self.redirect_field_name
        path = self.request.POST.get(name, self.request.GET.get(name, ""))
        return safe_path(path) if path else ""
