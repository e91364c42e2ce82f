from django.apps import AppConfig


class CoreIdentityConfig(AppConfig):
    name = "core_identity"
    verbose_name = "People and roles"
    default_auto_field = "django.db.models.BigAutoField"
