from django.apps import AppConfig


class SsoConfig(AppConfig):
    name = "sso"
    verbose_name = "SSO"

    def ready(self) -> None:
        from core_identity import connection_schema
        from core_identity.set_up import register
        from core_identity.signals import password_judged, sessions_ended, signed_out, user_erased
        from sso import checks, set_up  # noqa: F401 - checks register themselves
        from sso.erasure import erase_from_domains, erase_from_log, erase_from_sign_ins
        from sso.logout.sessions import forget_sessions
        from sso.settings import section_schema
        from sso.sign_in.log import record_password, record_signed_out

        register(steps=set_up.steps, screens=set_up.screens)
        connection_schema.register("saml", section_schema.keys)
        sessions_ended.connect(forget_sessions)
        signed_out.connect(record_signed_out)
        for receiver in (erase_from_log, erase_from_sign_ins, erase_from_domains):
            user_erased.connect(receiver)
        password_judged.connect(record_password)
