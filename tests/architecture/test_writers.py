"""Rule 4 of docs/architecture.md: one writer per fact. A test that names the offender."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("core_identity", "scim", "sso")
OWNED = {
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


def writes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of every manager call that writes one of our models."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            text = ast.unparse(node.func)
            if any(f"{model}.objects" in text for model in OWNED):
                yield node.lineno, text


def test_only_services_write_users_identities_roles_and_grants() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} calls {text} outside of core_identity.services"
        for path in modules()
        if path.parent != ROOT / "core_identity" / "services"
        for line, text in writes(parsed(path))
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
        if path.parent != ROOT / "core_identity" / "services"
        for line, text in link_writes(parsed(path))
    ]
    assert found == []


def test_the_rules_above_see_an_offender() -> None:
    tree = ast.parse("user.expired_at = None\nUser.objects.filter(pk=1).update(expired_by='x')\n")
    assert {name for _, name in assignments(tree)} & EXPIRY == {"expired_at", "expired_by"}
    assert list(writes(tree))
    assert list(link_writes(ast.parse("role.permissions.add(everything)")))
