"""Every URL says which credential opens it; a test walks the whole URLconf against that word."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

Credential = Literal["none", "session", "bearer", "client", "staff", "setup_link"]
"""none: anybody · session: a signed-in browser · bearer: a SCIM access token · client: OAuth id and secret · staff: an administrator ·
setup_link: the browser that opened a set-up link."""

View = TypeVar("View", bound=Callable[..., Any])


def credential(kind: Credential) -> Callable[[View], View]:
    """Declare on a view callable (for a class: on what ``as_view()`` returned) which credential it asks for."""

    def declare(view: View) -> View:
        view.credential = kind  # type: ignore[attr-defined]
        return view

    return declare
