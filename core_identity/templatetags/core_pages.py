"""Tags for the templates of all pages: times in everyday words, cells that keep the name of their column, the name of the installation."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from core_identity.event_kinds import meaning_of
from core_identity.selectors.attention import MOST

register = template.Library()

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_UNITS: Final = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))
_RELATIVE_UNTIL: Final = 30 * DAY
"""A time that is further away is shown as a date."""


def relative_time(moment: datetime, now: datetime) -> str:
    """Return how far ``moment`` is from ``now`` (both aware) in words: "3 minutes ago", "in 6 days". Whole units, rounded down."""
    seconds = (now - moment).total_seconds()
    distance = abs(seconds)
    if distance < MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    if distance >= _RELATIVE_UNTIL:
        local = localtime(moment)
        return f"{local.day} {local:%b %Y}"
    size, name = next(unit for unit in _UNITS if distance >= unit[0])
    count = int(distance // size)
    words = f"{count} {name}{'' if count == 1 else 's'}"
    return f"{words} ago" if seconds >= 0 else f"in {words}"


@register.filter
def ago(moment: datetime | None) -> str:
    """Return a ``<time>`` with the relative time; the exact time is its title. An empty text for no time."""
    if moment is None:
        return ""
    local = localtime(moment)
    exact = f"{local:%Y-%m-%d %H:%M:%S %Z}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, relative_time(moment, timezone.now())
    )


@register.filter
def in_words(kind: str) -> str:
    """Return the sentence of a kind of event."""
    return meaning_of(kind)


@register.filter
def with_labels(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> Iterator[SafeString]:
    """Yield the cells of a row of Django's lists, each with the name of its column for narrow screens."""
    for cell, header in zip(cells, headers, strict=False):
        label = "" if "action-checkbox" in header.get("class_attrib", "") else str(header.get("text", ""))
        start, space, rest = cell.partition(" ") if cell.startswith(("<td ", "<th ")) else ("", "", cell)
        labelled = f'{start} data-label="{escape(label.capitalize())}"{space}{rest}' if start and label else cell
        yield mark_safe(labelled)  # noqa: S308 - the cell comes escaped from Django, and the label is escaped here


@register.filter
def bounded(count: int) -> str:
    """Return a count that ends at `MOST` as people read it: "99+"."""
    return f"{MOST - 1}+" if count >= MOST else str(count)


@register.filter
def or_more(count: int, most: int) -> str:
    """Return a count that ends at ``most`` as people read it: "10,000 or more"."""
    return f"{most:,} or more" if count >= most else f"{count:,}"


@register.simple_tag
def brand_name() -> str:
    """Return the name of the installation, as its operator set it."""
    return str(settings.BRAND.name)


@register.simple_tag
def brand_style_sheet() -> str:
    """Return the ``<link>`` to the installation's own colours; empty where it has none."""
    if settings.BRAND.colours is None:
        return ""
    return format_html('<link rel="stylesheet" href="{}">', reverse("brand-css"))


@register.simple_tag
def brand_icon() -> str:
    """Return the address of the installation's logo, or of ours."""
    return static("icon.svg") if settings.BRAND.logo is None else reverse("brand-logo")


@register.simple_tag
def plain_brand_icon() -> str:
    """Return the same address as `brand_icon` without asking the manifest."""
    return plain_static("icon.svg") if settings.BRAND.logo is None else reverse("brand-logo")


@register.simple_tag
def plain_static(path: str) -> str:
    """Return the address of a static file without asking the manifest: for the pages that are shown when something failed."""
    return f"{settings.STATIC_URL}{path}"
