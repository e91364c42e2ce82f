from django.apps import AppConfig


class CoreIdentityConfig(AppConfig):
    name = "core_identity"
    verbose_name = "People and roles"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core_identity.models.user import UserManager
        from core_identity.portal.links import end_links
        from core_identity.selectors import set_up
        from core_identity.services.users import create_local_user
        from core_identity.set_up import register
        from core_identity.signals import connection_switched_off

        register(steps=set_up.steps)
        connection_switched_off.connect(end_links)
        UserManager.create_local_user = staticmethod(create_local_user)
