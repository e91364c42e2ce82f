from django.apps import AppConfig


class SsoConfig(AppConfig):
    name = "sso"
    verbose_name = "SSO"

    def ready(self) -> None:
        from sso import checks  # noqa: F401 - registers itself
