"""Every address for the browsers of end users. Each view declares the credential that opens it."""

from django.urls import path

from sso import portal, portal_domains
from sso.logout import views as logout_views
from sso.sign_in import choices, views

urlpatterns = [
    path("", choices.sign_in, name="start"),
    path("sign-in", choices.sign_in, name="sign-in"),
    path("sign-out", logout_views.sign_out, name="sign-out"),
    path("me", views.me, name="me"),
    path("me/sign-out-everywhere", logout_views.sign_out_everywhere, name="sign-out-everywhere"),
    path("sso/<slug:slug>/login", views.login, name="sso-login"),
    path("sso/<slug:slug>/acs", views.acs, name="sso-acs"),
    path("sso/<slug:slug>/finish", views.finish, name="sso-finish"),
    path("sso/<slug:slug>/logout", logout_views.logout, name="sso-logout"),
    path("sso/<slug:slug>/metadata", views.metadata, name="sso-metadata"),
    path("set-up/metadata", portal.metadata, name="portal-metadata"),
    path("set-up/domains", portal_domains.domains, name="portal-domains"),
    path("set-up/test", portal.test, name="portal-test"),
    path("set-up/tested", portal.tested, name="portal-tested"),
]
