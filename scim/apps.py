from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "SCIM provisioning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core_identity.signals import connection_switched_off, user_expired
        from scim.consents import tell_of_expiry
        from scim.revocation import end_access

        user_expired.connect(tell_of_expiry)
        connection_switched_off.connect(end_access)
