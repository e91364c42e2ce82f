"""Test sign-in (R37): an administrator tries the whole way to the IdP and back, and sees what it would do."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.changes import shown_changes
from sso.models import SamlSettings
from sso.remedies import remedy_for
from sso.send_to_idp import send_to_idp
from sso.sign_in_state import remember_browser
from sso.sign_in_tests import begin_test, may_test, take_report

if TYPE_CHECKING:
    from core_identity.models import Connection

GONE = "The result of this test was already shown, or the test began in another session or too long ago. Start the test again."


class TestSignInPages(CoreAdmin):
    def get_urls(self) -> Any:
        return [*self.own_page("test", self.test_view), *self.own_page("tested", self.tested_view), *super().get_urls()]

    def test_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Explain it; at the press of the button go to the IdP."""
        connection = self._testable(request, pk)
        saml = SamlSettings.objects.select_related("connection").filter(connection=connection).first()
        form = forms.Form()
        title = f"Test sign-in by {connection}"
        if request.method != "POST" or saml is None:
            return self.page(request, "admin/sso/test.html", title=title, form=form, obj=connection, saml=saml)
        away = begin_test(request, saml)
        if away.message.fields:
            response = send_to_idp(request, saml, away.message)
        else:
            url = away.message.url
            response = self.page(
                request, "admin/sso/test.html", title=title, form=form, obj=connection, saml=saml, away=url
            )
            # Not a redirect: browsers hold those against form-action.
            response["Refresh"] = f"0; url={url}"
        remember_browser(response, away.browser_token)
        return response

    def tested_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Show, once, what the test found."""
        connection = self._testable(request, pk)
        told = take_report(request, connection=connection, ticket=request.GET.get("ticket", ""))
        if told is None:
            self.message_user(request, GONE, messages.WARNING)
            return redirect("admin:core_identity_connection_test", connection.pk)
        events = [(event, shown_changes(event["changes"])) for event in told.get("events", [])]
        title = f"What the test sign-in by {connection} found"
        return self.page(
            request,
            "admin/sso/tested.html",
            title=title,
            form=forms.Form(),
            obj=connection,
            told=told,
            events=events,
            remedy=remedy_for(told["code"], told["checks"]),
        )

    def _testable(self, request: HttpRequest, pk: UUID) -> "Connection":
        connection: Connection = self.changeable(request, pk)
        if not may_test(request.user, connection):
            raise PermissionDenied
        return connection
