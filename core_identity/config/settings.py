"""Settings of the service. One module for every place: what differs comes from the environment (docs/reference/environment.md)."""

from pathlib import Path

from csp.constants import NONE, SELF

from core_identity.config.branding import brand
from core_identity.config.environment import (
    LOCK_TIMEOUT,
    PublicUrl,
    burst_limits,
    database,
    dns_resolvers,
    env,
    key_encryption_keys,
    secret,
    trusted_proxies,
)

ROOT = Path(__file__).resolve().parent.parent.parent

_public = PublicUrl(env.str("PUBLIC_URL", default="http://localhost:8000"))
PUBLIC_URL = _public.url
PUBLIC_URL_IS_LOOPBACK = _public.loopback
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Encrypt our private SAML keys at rest: the first seals, all open. In the demo the checkout's secret key will do.
SAML_KEY_ENCRYPTION_KEYS = key_encryption_keys(stand_in=SECRET_KEY if DEBUG or DEMO else "")
ALLOWED_HOSTS = [_public.host]

INSTALLED_APPS = [
    "core_identity",
    "core_identity.config",
    "sso",
    "scim",
    "oauth2_provider",
    "rest_framework",
    "core_identity.config.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "core_identity.config.apps.StaticConfig",
    "csp",
]
MIDDLEWARE = [
    "core_identity.middleware.AnswerHeadersMiddleware",  # first: it sees every answer, those of the next ones too
    "scim.middleware.ScimErrorMiddleware",  # whatever fails under /scim/ is answered as a SCIM error
    "core_identity.middleware.RequestIdMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",  # this early, so that refusals of what follows have it too
    "core_identity.config.browser_middleware.Policy",  # this early too: the pages of these refusals have a style and an icon
    "core_identity.middleware.CharsetMiddleware",
    "core_identity.middleware.BodySizeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core_identity.config.browser_middleware.Files",
    "core_identity.config.health.ProbeMiddleware",  # before all that asks for the Host or the session
    "core_identity.config.loopback.LoopbackMiddleware",  # only on a developer's machine
    "core_identity.config.browser_middleware.Session",
    "django.middleware.common.CommonMiddleware",
    "core_identity.config.error_pages.EmptyErrorMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "core_identity.config.browser_middleware.Authentication",
    "core_identity.config.browser_middleware.SessionGate",
    "core_identity.config.browser_middleware.Messages",
]
ROOT_URLCONF = "core_identity.config.urls"
WSGI_APPLICATION = "core_identity.config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["core_identity.templatetags.core_pages"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database: PostgreSQL and nothing else; no default, so that no other one is used by accident.
DATABASES = {"default": database()}
DATABASE_POOLER = env.bool("DATABASE_POOLER", default=False)
DATABASE_LOCK_TIMEOUT = env.int("DATABASE_LOCK_TIMEOUT", default=LOCK_TIMEOUT)
# How many requests of a process may wait for locks of customers: of one customer, and in all. Fewer than it has threads.
PUSHES_WAITING_PER_CUSTOMER = env.int("PUSHES_WAITING_PER_CUSTOMER", default=3)
PUSHES_WAITING = env.int("PUSHES_WAITING", default=6)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # the username is unique by its key (R5)
    "oauth2_provider.E001",  # hashed tokens with a grace period: scim.oauth.server answers a second refresh with a pair of its own
]

# Sign-in by password, and the length of sessions (R21, R32).
AUTH_USER_MODEL = "core_identity.User"
AUTHENTICATION_BACKENDS = ["core_identity.backends.RoleBackend"]
BURST = burst_limits()  # R22a
PASSWORD_HASHERS = ["core_identity.hashing.BoundedHasher"]
PASSWORDS_PER_MINUTE = env.int("PASSWORDS_PER_MINUTE", default=30)  # of each address; 0: no limit
PASSWORDS_OF_A_NAME_PER_MINUTE = env.int("PASSWORDS_OF_A_NAME_PER_MINUTE", default=10)  # of each address for one name
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/me"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_NAME = "__Host-session" if _public.https else "session"
SESSION_COOKIE_SECURE = _public.https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "core_identity.sessions"
CSRF_COOKIE_NAME = "__Host-csrf" if _public.https else "csrf"
CSRF_COOKIE_SECURE = _public.https
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "core_identity.config.error_pages.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# Transport. Behind proxies of ours, X-Forwarded-Proto comes from them and from nobody else.
SECURE_SSL_REDIRECT = _public.https
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if _public.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _public.https
SECURE_HSTS_PRELOAD = _public.https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
TRUSTED_PROXIES = trusted_proxies()
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

# OAuth 2 (R14). Every client belongs to a connection, is confidential, and gets one scope; tokens are stored hashed.
OAUTH2_PROVIDER_APPLICATION_MODEL = "scim.OAuthClient"
OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "scim.oauth.server.ConnectionValidator",
    "SCOPES": {
        "scim": "Provision people and groups by SCIM",
        "offline_access": "Renew the access without asking again",
    },
    "DEFAULT_SCOPES": ["scim"],
    "OIDC_ISS_ENDPOINT": PUBLIC_URL,  # the issuer in answers (RFC 9207) and in metadata (RFC 8414), never made of a Host header
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    # Okta documents no PKCE, and all our clients have a secret: honoured where sent, never demanded.
    "PKCE_REQUIRED": lambda _client_id: False,
    # http on loopback is opened by OAuthClient itself, and only where PUBLIC_URL is loopback.
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    # A rotated refresh token may come again for two minutes: answers get lost. After that its whole family ends.
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 120,
    "REQUEST_APPROVAL_PROMPT": "force",
    **{
        f"COMPLIANT_BCP_RFC9700_{name}": True
        for name in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}
PROVISIONING_LOG_DAYS = env.int("PROVISIONING_LOG_DAYS", default=30)  # R35; 0 keeps none
CLOSED_CONFLICT_DAYS = env.int(
    "CLOSED_CONFLICT_DAYS", default=365
)  # after the last message and the decision; 0 keeps all
HOUSEKEEPING_SECONDS = env.int("HOUSEKEEPING_SECONDS", default=3600)  # a run begins no batch later
PAYLOAD_LOG_DAYS = env.int("PAYLOAD_LOG_DAYS", default=7)  # what was sent and answered; 0 keeps nothing
PROVISIONING_LOG_DELAY = env.float("PROVISIONING_LOG_DELAY", default=0.5)  # seconds; 0 writes each row at once
SIGN_IN_FAILURES_PER_MINUTE = env.int("SIGN_IN_FAILURES_PER_MINUTE", default=600)  # of each address at a connection
SIGN_IN_LOOKUPS_PER_MINUTE = env.int("SIGN_IN_LOOKUPS_PER_MINUTE", default=120)  # of each address at the sign-in page
SIGN_INS_PER_MINUTE = env.int("SIGN_INS_PER_MINUTE", default=3000)  # begun by each address at a connection; 0: no limit
SIGN_INS_OF_A_CONNECTION_PER_MINUTE = env.int("SIGN_INS_OF_A_CONNECTION_PER_MINUTE", default=12_000)
SIGN_IN_LOG_DAYS = env.int("SIGN_IN_LOG_DAYS", default=30)  # 0 keeps none
DNS_RESOLVERS = dns_resolvers()  # for the proof of email domains; empty: those of the host
SCIM_READS_PER_MINUTE = env.int("SCIM_READS_PER_MINUTE", default=30_000)  # of each connection; 0: no limit
SCIM_WRITES_PER_MINUTE = env.int("SCIM_WRITES_PER_MINUTE", default=12_000)
FAILURES_PER_MINUTE = env.int("FAILURES_PER_MINUTE", default=60)  # of each address
REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}

DRAIN_SECONDS = env.float("DRAIN_SECONDS", default=5.0)  # between SIGTERM and the end of serving

# Limits that hold before any view looks at a request.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # of a whole body, by BodySizeMiddleware
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE  # so that no file is written to the disk
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# Pages and files.
BRAND = brand()  # the name, colour and logo of this installation
LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = env.path("STATIC_ROOT", default=str(ROOT / ".dev" / "static"))()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "core_identity.config.logs.LineFormatter"}},
    "filters": {"outages": {"()": "core_identity.config.logs.OneLineOfAnOutage"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"filters": ["outages"]},
        "django.server": {"handlers": [], "propagate": True, "level": "WARNING"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # They write tokens, redirect URIs and client IDs of a request into their messages.
        "oauthlib": {"level": "ERROR"},
        "oauth2_provider": {"level": "ERROR"},
        "gunicorn.error": {"handlers": ["stderr"], "propagate": False},
    },
}
