from django.apps import AppConfig


class SsoConfig(AppConfig):
    name = "sso"
    verbose_name = "SSO"

    def ready(self) -> None:
        from core_identity.set_up import register
        from sso import checks, set_up  # noqa: F401 - checks register themselves

        register(steps=set_up.steps, screens=set_up.screens)
