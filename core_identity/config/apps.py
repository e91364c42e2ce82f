from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    name = "core_identity.config"
    label = "config"


class SiteConfig(AdminConfig):
    default_site = "core_identity.config.admin_site.CoreAdminSite"
