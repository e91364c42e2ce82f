"""The first administrator of a new installation, named by Django's own DJANGO_SUPERUSER_* variables."""

from devtools.checkout import Checkout
from devtools.product import manage

# Answers `missing` when createsuperuser would have something to do.
LOOK = """
import os
from django.contrib.auth import get_user_model
User = get_user_model()
name = os.environ.get(f"DJANGO_SUPERUSER_{User.USERNAME_FIELD.upper()}")
try:
    User._default_manager.get_by_natural_key(name)
except User.DoesNotExist:
    print("missing")
"""


def ensure_first_administrator(checkout: Checkout, environment: dict[str, str]) -> None:
    """Do `createsuperuser --noinput` if the variables are set and that user is missing; never change one."""
    if not any(name.startswith("DJANGO_SUPERUSER_") for name in environment):
        return
    answer = manage(checkout, environment, "shell", "--no-startup", "--verbosity", "0", "--command", LOOK)
    if answer.strip() == "missing":
        manage(checkout, environment, "createsuperuser", "--noinput")
