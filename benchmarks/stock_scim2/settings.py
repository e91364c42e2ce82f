import environ

ALLOWED_HOSTS = ["localhost"]
SECRET_KEY = environ.Env().str("SECRET_KEY")
USE_TZ = True
ROOT_URLCONF = "benchmarks.stock_scim2.urls"
AUTH_USER_MODEL = "stock_scim2.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {**environ.Env().db_url("DATABASE_URL"), "CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django_scim",
    "benchmarks.stock_scim2",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "benchmarks.stock_scim2.tokens.TokenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
SCIM_SERVICE_PROVIDER = {
    "NETLOC": "localhost",
    "AUTHENTICATION_SCHEMES": [
        {"type": "oauth2", "name": "OAuth 2", "description": "Oauth 2 implemented with bearer token"},
    ],
    "GROUP_MODEL": "benchmarks.stock_scim2.models.Group",
}
MIGRATION_MODULES = {
    "auth": None,
    "contenttypes": None,
    "sessions": None,
}  # all tables are made at once, by --run-syncdb
