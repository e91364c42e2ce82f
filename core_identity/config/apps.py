# Only modules of apps are imported here: Django would take an imported class for a second app of this folder, and then use neither.
from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.staticfiles import apps as staticfiles_apps

from core_identity.config.environment import has_pages


class ConfigConfig(AppConfig):
    name = "core_identity.config"
    label = "config"

    def ready(self) -> None:
        from core_identity.config import checks, older_database  # noqa: F401 - they register themselves


class SiteConfig(admin_apps.AdminConfig):
    default = False  # settings name it; the app of this folder is the one above
    default_site = "core_identity.config.admin_site.CoreAdminSite"

    def ready(self) -> None:
        """Load the pages of the administration, where the process shows or checks pages. `config.urls` loads them in any case."""
        if has_pages():
            super().ready()


class StaticConfig(staticfiles_apps.StaticFilesConfig):
    """Collect only files that a page may ask for. To hash and compress the others takes longer than all the rest."""

    default = False
    ignore_patterns = [
        *staticfiles_apps.StaticFilesConfig.ignore_patterns,
        "rest_framework",  # its browsable API is not shown here
        "oauth2_provider",  # our templates replace its pages
        "*.map",
        "jquery.js",  # the administration loads the `.min.js` of these
        "select2.full.js",
        "xregexp.js",
    ]
