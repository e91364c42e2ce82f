"""The name, the colour and the mark of an installation: read from the environment. The start fails if a page would be unreadable."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from core_identity.brand import name_of_installation
from core_identity.config.environment import env

MEDIA_TYPES: Final = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
MAX_LOGO: Final = 200_000
"""Bytes of the file of a logo: each page loads it."""
MAX_BRAND_NAME: Final = 40
READABLE: Final = 4.5
"""The least contrast of text, by WCAG 2.2 AA."""
_CARD: Final[tuple[str, str]] = ("#ffffff", "#171e2a")
_SOFT: Final[tuple[str, str]] = ("#eaf0ff", "#1d2a4d")
_ON_BRAND: Final[tuple[str, str]] = ("#ffffff", "#0f141d")
_VARIABLES: Final = ("BRAND_COLOUR", "BRAND_COLOUR_DARK")


@dataclass(frozen=True, slots=True)
class Logo:
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Brand:
    """``colours`` are that of the light and that of the dark theme, as ``#rrggbb``; None: our own. ``logo`` None: our own."""

    name: str
    colours: tuple[str, str] | None
    logo: Logo | None

    @property
    def style_sheet(self) -> str:
        """The tokens that replace ours; empty where nothing is replaced."""
        if self.colours is None:
            return ""
        light, dark = self.colours
        return f":root {{ --brand: light-dark({light}, {dark}); }}\n"


def brand() -> Brand:
    """Return the brand of the environment; raise ``ImproperlyConfigured``, naming the variable, where it cannot be shown well."""
    name = name_of_installation()
    if not name or len(name) > MAX_BRAND_NAME or not name.isprintable():
        raise ImproperlyConfigured(f"BRAND_NAME must be 1 to {MAX_BRAND_NAME} printable characters.")
    return Brand(name, _colours(), _logo(env.str("BRAND_LOGO", default="")))


def _colours() -> tuple[str, str] | None:
    light, dark = (env.str(variable, default="").strip().lower() for variable in _VARIABLES)
    if not light and not dark:
        return None
    for variable, colour, grounds in zip(
        _VARIABLES, (light, dark), zip(_CARD, _SOFT, _ON_BRAND, strict=True), strict=True
    ):
        if not re.fullmatch(r"#[0-9a-f]{6}", colour):
            raise ImproperlyConfigured(f"{variable} must be a colour such as #3056d3. Set both colours, or neither.")
        least = min(contrast(colour, ground) for ground in grounds)
        if least < READABLE:
            raise ImproperlyConfigured(
                f"{variable} is too close to the colours beside it: the contrast is {least:.1f} : 1, and {READABLE} : 1 is needed. "
                f"Choose a {'darker' if variable == 'BRAND_COLOUR' else 'lighter'} colour."
            )
    return light, dark


def _logo(path: str) -> Logo | None:
    if not path:
        return None
    file = Path(path)
    media_type = MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        raise ImproperlyConfigured("BRAND_LOGO must be the path of a file that ends in .svg, .png or .webp.")
    try:
        content = file.read_bytes()
    except OSError as fault:
        raise ImproperlyConfigured(f"BRAND_LOGO: the file cannot be read: {fault.strerror}.") from fault
    if not 0 < len(content) <= MAX_LOGO:
        raise ImproperlyConfigured(f"BRAND_LOGO: the file must have 1 to {MAX_LOGO} bytes.")
    return Logo(content, media_type)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, 1.4.3): 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
