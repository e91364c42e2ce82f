from django.apps import AppConfig


class SsoConfig(AppConfig):
    name = "sso"
    verbose_name = "SSO"

    def ready(self) -> None:
        from sso import checks  # noqa: F401 - registers itself
        from sso.saml import schema  # noqa: F401 - compiled here, while the process has one thread
