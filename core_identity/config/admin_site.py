from django.contrib.admin import AdminSite


class CoreAdminSite(AdminSite):
    site_header = site_title = "CORE"
