from django.apps import AppConfig


class SsoConfig(AppConfig):
    name = "sso"
    verbose_name = "SSO"

    def ready(self) -> None:
        from core_identity.signals import password_judged, user_erased
        from sso import checks  # noqa: F401 - registers itself
        from sso.log_erasure import erase_from_log
        from sso.sign_in_log import record_password

        user_erased.connect(erase_from_log)
        password_judged.connect(record_password)
