from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "SCIM provisioning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from oauth2_provider.models import get_grant_model

        from core_identity import connection_schema
        from core_identity.set_up import register
        from core_identity.signals import connection_switched_off, user_erased, user_expired
        from scim import set_up
        from scim.connections import schema_keys
        from scim.log.erasure import erase_from_log
        from scim.oauth.consents import erase_consenter, note_expiry
        from scim.oauth.revocation import end_access, has_ended

        register(steps=set_up.steps, screens=set_up.screens)
        connection_schema.register("scim", schema_keys)
        user_expired.connect(note_expiry)
        user_erased.connect(erase_from_log)
        user_erased.connect(erase_consenter)
        connection_switched_off.connect(end_access)
        # The toolkit compares an authorization code with the clock of the node.
        get_grant_model().is_expired = has_ended
