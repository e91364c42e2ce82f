"""Each view declares the credential that opens its URL. A test compares the whole URLconf with these declarations."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

Credential = Literal["none", "session", "bearer", "client", "staff", "setup_link"]
"""none: anybody · session: a signed-in browser · bearer: a SCIM access token · client: OAuth id and secret · staff: an administrator ·
setup_link: the browser that opened a set-up link."""

View = TypeVar("View", bound=Callable[..., Any])


def credential(kind: Credential) -> Callable[[View], View]:
    """Declare the credential of a view callable. For a class, use the result of ``as_view()``."""

    def declare(view: View) -> View:
        view.credential = kind  # type: ignore[attr-defined]
        return view

    return declare
