"""Tags for the templates of all pages: times in everyday words, cells that keep the name of their column, the name of the installation."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from core_identity.admin_kit.changes import field_words
from core_identity.event_kinds import meaning_of
from core_identity.policy.wording import CHANNELS
from core_identity.selectors.attention import MOST

register = template.Library()
register.filter(field_words)

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
    """Return a ``<time>`` with the relative time; the exact time is its title. An empty text for no time, and for a lost row."""
    if not moment:
        return ""
    local = localtime(moment)
    exact = f"{local:%Y-%m-%d %H:%M:%S %Z}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, relative_time(moment, timezone.now())
    )


@register.filter
def exactly(moment: datetime) -> str:
    """Return a ``<time>`` with the exact time, to compare with another log, and the relative time behind it."""
    local = localtime(moment)
    return format_html(
        '<time datetime="{}">{} ({})</time>',
        local.isoformat(),
        f"{local:%Y-%m-%d %H:%M:%S %Z}",
        relative_time(moment, timezone.now()),
    )


@register.filter
def connection_name(slug: str, names: Mapping[str, str]) -> str:
    """Return the name of a connection, for people who do not know slugs."""
    return names.get(slug, slug)


@register.filter
def channel_words(channel: str) -> str:
    """Return the name of a channel for people to read."""
    return CHANNELS.get(channel, channel)


@register.filter
def in_words(kind: str) -> str:
    """Return the sentence of a kind of event."""
    return meaning_of(kind)


_ICON: Final = re.compile(r'<img src="[^"]*/icon-(yes|no|unknown)\.svg" alt="[^"]*">')
_CHIPS: Final = {"yes": ("fine", "yes"), "no": ("plain", "no"), "unknown": ("plain", "not known")}


@register.filter
def icons_as_words(contents: str) -> SafeString:
    """Return the value of a field that cannot be changed, with a word and a shape instead of Django's icons."""

    def chip(icon: re.Match[str]) -> str:
        return format_html('<span class="core-chip {}">{}</span>', *_CHIPS[icon[1]])

    return mark_safe(_ICON.sub(chip, conditional_escape(contents)))  # noqa: S308 - escaped


@register.simple_tag
def table_head(*names: str, action: object = False) -> SafeString:
    """Return the head of a table: the names of its columns, without empty ones.

    With ``action``, a last column follows. Its buttons need no name, except for those who hear the page.
    """
    columns = [format_html('<th scope="col">{}</th>', name) for name in names if name]
    if action:
        columns.append(format_html('<th scope="col"><span class="visually-hidden">{}</span></th>', "Action"))
    return format_html("<thead><tr>{}</tr></thead>", mark_safe("".join(columns)))  # noqa: S308 - each is escaped


@register.simple_tag
def cells_of(
    cells: Iterable[str], headers: Iterable[dict[str, Any]], left_out: Collection[str] = ()
) -> list[SafeString]:
    """Return the cells of a row of Django's lists, each with the name of its column for narrow screens, which leave some columns out."""
    return [
        _labelled(cell, str(header.get("text", "")), header.get("class_attrib", ""), left_out)
        for cell, header in zip(cells, headers, strict=False)
    ]


def _labelled(cell: str, label: str, class_attribute: str, left_out: Collection[str]) -> SafeString:
    start, space, rest = cell.partition(" ") if cell.startswith(("<td ", "<th ")) else ("", "", cell)
    if start and label and "action-checkbox" not in class_attribute:
        if any(f"column-{name}" in class_attribute for name in left_out):
            rest = rest.replace('class="', 'class="core-left-out ', 1)
        cell = f'{start} data-label="{escape(label[:1].upper() + label[1:])}"{space}{rest}'
    return mark_safe(cell)  # noqa: S308 - the cell comes escaped from Django, and the label is escaped here


@register.filter
def bounded(count: int) -> str:
    """Return a count that ends at `MOST` as people read it: "99+"."""
    return f"{MOST - 1}+" if count >= MOST else str(count)


@register.filter
def thousands(count: int) -> str:
    """Return a number as people read it: "19,681"."""
    return f"{count:,}"


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
