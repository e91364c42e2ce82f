"""Rule 6 of docs/architecture.md: every URL declares which credential opens it, and accepts no other."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from core_identity.credentials import Credential

KINDS: set[Credential] = {"none", "session", "bearer", "client", "staff", "setup_link"}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, path)
        else:
            yield path, entry


def declared(path: str, entry: URLPattern) -> str | None:
    if path.startswith("admin/"):
        return "staff"  # Django's admin guards each of its views itself; the tests of the admin prove it.
    return getattr(entry.callback, "credential", None)


ALL = list(patterns(get_resolver()))


def test_every_url_declares_its_credential() -> None:
    assert ALL
    assert [path for path, entry in ALL if declared(path, entry) not in KINDS] == []


def test_every_scim_url_asks_for_a_bearer_token_and_nothing_else() -> None:
    scim = [(path, declared(path, entry)) for path, entry in ALL if path.startswith("scim/")]
    assert scim
    assert {kind for _, kind in scim} == {"bearer"}
