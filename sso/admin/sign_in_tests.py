"""Test sign-in (R37): an administrator tries the whole way to the IdP and back, and sees what it would do."""

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core_identity.admin_kit.changes import shown_changes
from core_identity.admin_kit.pages import Access, ConnectionReadPage
from sso.models import SamlSettings
from sso.sign_in.outcomes import words_of
from sso.sign_in.progress import remember_browser
from sso.sign_in.redirects import send_to_idp
from sso.sign_in.remedies import remedy_for
from sso.sign_in.sign_in_tests import begin_test, may_test, take_report

GONE = "The result of this test was already shown, or the test began in another session or too long ago. Start the test again."


class BeginTestPage(ConnectionReadPage):
    """Explain the test sign-in. Its button leads to the IdP."""

    name = "test"
    title = "Test sign-in through {row.name}"
    access = Access.CHANGE
    template_name = "admin/sso/test.html"
    http_method_names = ["get", "head", "post"]
    away = ""

    def may_open(self) -> bool:
        return may_test(self.request.user, self.row)

    def is_too_early(self) -> bool:
        return getattr(self.row, "saml", None) is None

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.saml is None:
            return self.get(request)
        test = begin_test(request, self.saml)
        if test.message.fields:
            response = send_to_idp(request, self.saml, test.message)
        else:
            self.away = test.message.url
            response = self.get(request)
            # Not a redirect: browsers apply form-action to redirects too.
            response["Refresh"] = f"0; url={self.away}"
        remember_browser(response, test.browser_token)
        return response

    @cached_property
    def saml(self) -> SamlSettings | None:
        return SamlSettings.objects.select_related("connection").filter(connection=self.row).first()

    def facts(self, form: Any) -> dict[str, Any]:
        return {"saml": self.saml, "away": self.away}


class TestResultPage(ConnectionReadPage):
    """Show, once, what the test found."""

    name = "tested"
    title = "Result of the test sign-in through {row.name}"
    access = Access.CHANGE
    template_name = "admin/sso/tested.html"

    def may_open(self) -> bool:
        return may_test(self.request.user, self.row)

    def answer_instead(self) -> HttpResponse | None:
        report = take_report(self.request, connection=self.row, ticket=self.request.GET.get("ticket", ""))
        if report is None:
            messages.warning(self.request, GONE)
            return redirect(self.other_page("test"))
        self.report = report
        return None

    def facts(self, form: Any) -> dict[str, Any]:
        return {
            "report": self.report,
            "outcome": words_of(self.report["code"]),
            "events": [(event, shown_changes(event["changes"])) for event in self.report.get("events", [])],
            "remedy": remedy_for(self.report["code"], self.report["checks"]),
        }
