"""The name of this installation in sentences that people read. Templates have it as ``{% brand_name %}``."""

import os
from typing import Final


def name_of_installation() -> str:
    """Return the name that the operator set, or CORE. The settings check it at the start (`config.branding`)."""
    return os.environ.get("BRAND_NAME", "CORE").strip()


BRAND: Final = name_of_installation()
