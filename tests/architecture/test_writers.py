"""One writer per fact, and one place that locks a connection (`docs/architecture.md`). Each failure names the offender."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("core_identity", "scim", "sso")
SERVICES = Path("core_identity/services")
PORTAL = Path("core_identity/portal")
OWNED_BY_SERVICES = {
    "Burst",
    "Conflict",
    "Customer",
    "Connection",
    "User",
    "Identity",
    "IdentityUid",
    "Role",
    "RoleAlias",
    "Grant",
    "PushGroup",
    "PushGroupMember",
    "ExpectedMember",
    "Event",
}
OWNED_BY_THE_PORTAL = {"SetupLink", "SetupProposal"}
"""An erasure, which is a service, writes them too."""
WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete"}
LINKS = ("permissions", "grantable_by", "grantable_roles")
"""Many-to-many fields of roles. The guard of the models does not see their tables."""
LINK_WRITES = {"add", "set", "remove", "clear"}
EXPIRY = {"expired_at", "expired_by", "expired_channel", "expired_reason", "expired_connection", "expired_snapshot"}


@cache
def modules() -> list[Path]:
    found = [path for app in PRODUCT for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
    assert len(found) > 30
    return found


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def assignments(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of every attribute that is assigned, and of every keyword given to ``update(...)``."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Attribute):
                    yield part.lineno, part.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            for keyword in node.keywords:
                yield node.lineno, keyword.arg or ""


def test_only_the_expiry_service_sets_expiry_R24() -> None:
    owner = ROOT / "core_identity/services/expiry.py"
    found = [
        f"{path.relative_to(ROOT)}:{line} sets {name} outside of core_identity.services.expiry"
        for path in modules()
        if path != owner
        for line, name in assignments(parsed(path))
        if name in EXPIRY
    ]
    assert found == []


def manager_calls(tree: ast.AST, methods: set[str], models: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and text of every call of one of these methods on a manager or a queryset of one of these models."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            text = ast.unparse(node.func)
            if any(re.search(rf"\b{model}\.objects\b", text) for model in models):
                yield node.lineno, text


def is_below(path: Path, *folders: Path) -> bool:
    return any(path.is_relative_to(ROOT / folder) for folder in folders)


def writes_outside(models: set[str], *folders: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} calls {text} outside of {' and '.join(map(str, folders))}"
        for path in modules()
        if not is_below(path, *folders)
        for line, text in manager_calls(parsed(path), WRITES, models)
    ]


def test_only_services_write_users_identities_roles_and_grants() -> None:
    assert writes_outside(OWNED_BY_SERVICES, SERVICES) == []


def test_only_the_portal_and_services_write_set_up_links_and_proposals() -> None:
    assert writes_outside(OWNED_BY_THE_PORTAL, PORTAL, SERVICES) == []


def test_a_connection_is_locked_only_by_lock_connection() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} calls {text} instead of lock_connection"
        for path in modules()
        if path != ROOT / SERVICES / "locks.py"
        for line, text in manager_calls(parsed(path), {"select_for_update"}, {"Connection"})
    ]
    assert found == []


def link_writes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of every call that writes permissions of a role, or its connections."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LINK_WRITES:
            text = ast.unparse(node.func)
            if text.endswith(tuple(f".{field}.{node.func.attr}" for field in LINKS)):
                yield node.lineno, text


def test_only_services_write_permissions_of_roles() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} calls {text} outside of core_identity.services"
        for path in modules()
        if not is_below(path, SERVICES)
        for line, text in link_writes(parsed(path))
    ]
    assert found == []


def test_the_rules_above_see_an_offender() -> None:
    tree = ast.parse("user.expired_at = None\nUser.objects.filter(pk=1).update(expired_by='x')\n")
    assert {name for _, name in assignments(tree)} & EXPIRY == {"expired_at", "expired_by"}
    assert list(manager_calls(tree, WRITES, OWNED_BY_SERVICES))
    assert not list(manager_calls(tree, WRITES, {"Role"}))
    assert is_below(ROOT / SERVICES / "push" / "creating.py", SERVICES)
    assert list(link_writes(ast.parse("role.permissions.add(everything)")))
