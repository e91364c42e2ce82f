"""The WSGI application of the services that tests start: the product's own, with quick passwords."""

import tests.support.quick_passwords  # noqa: F401 - imported for its effect
from core_identity.config.wsgi import application as application
