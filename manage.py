#!/usr/bin/env python
"""Django's command line. `./dev manage …` calls it with the environment and PostgreSQL ready."""

import os
import sys

from django.core.management import execute_from_command_line

from core_identity.config.environment import lift_time_limits

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core_identity.config.settings")
    lift_time_limits()
    execute_from_command_line(sys.argv)
