"""The models that an administrator may see, and links that lead nobody to a refusal."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

MODELS: Final = ("conflict", "connection", "customer", "event", "role", "user")


def seen_by(request: HttpRequest) -> dict[str, bool]:
    """Return for each model whether this administrator may open its pages, so that no link leads to a refusal."""
    return {
        model: any(request.user.has_perm(f"core_identity.{may}_{model}") for may in ("view", "change"))
        for model in MODELS
    }


def link_to(row: Any, model: str, address: str, words: object) -> str:
    """Return a link, or the mere words where the reader of ``row`` may not open pages of this model.

    `LongList` notes on each row what its reader may see.
    """
    if not getattr(row, "sees", {}).get(model, False):
        return format_html("{}", words)
    return format_html('<a href="{}">{}</a>', address, words)


def page_of_group(connection_id: UUID, group_id: UUID) -> str:
    """Return the address of the page of a push group, where everybody who may see its connection finds its members and its role."""
    return f"{reverse('admin:core_identity_connection_group', args=[connection_id])}?group={group_id}"


def link_to_customer(row: Any) -> str:
    """Return the customer of a row as `link_to` does; empty if it belongs to none."""
    if row.customer is None:
        return ""
    return link_to(
        row, "customer", reverse("admin:core_identity_customer_change", args=[row.customer_id]), row.customer
    )
