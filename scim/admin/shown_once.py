"""Pages that make a secret."""

from typing import Any, ClassVar

from django.http import HttpResponse
from django.template.response import TemplateResponse

from core_identity.admin_kit.pages import ConnectionPage


class ShownOncePage(ConnectionPage):
    """A page that makes a secret, and shows it in the answer to this very request.

    No message, session, cookie or event holds the secret.
    """

    secret_name: ClassVar[str]
    secret_label: ClassVar[str]

    def form_valid(self, form: Any) -> HttpResponse:
        shown = self.shown(form)
        if not shown:
            return super().form_valid(form)
        context = {**self.get_context_data(form=form), "shown": shown}
        return TemplateResponse(self.request, "admin/scim/shown_once.html", context)

    def shown(self, form: Any) -> list[dict[str, str]]:
        """Return the values to copy. Nothing if the form made no secret: then the page is done like any other."""
        return [{"name": self.secret_name, "label": self.secret_label, "value": form.written}]
