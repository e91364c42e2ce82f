"""docs/reference/private-names.md lists each private name of a library that we override or use, and each function that we replace."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from inspect import isclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/reference/private-names.md"
OURS = ("core_identity", "scim", "sso")
DOCUMENTED = {"_meta", "_default_manager", "_db", "_make", "_fields", "_Element"}
"""Underscore names that Django, the standard library and lxml document."""
UNDOCUMENTED = {"save_base"}
"""Names without an underscore that Django does not document."""


def modules() -> Iterator[ModuleType]:
    for app in OURS:
        for path in sorted((ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if not {"migrations", "__init__", "wsgi", "settings"} & set(parts):
                yield import_module(".".join(parts))


def tree_of(module: ModuleType) -> ast.AST:
    assert module.__file__ is not None
    return ast.parse(Path(module.__file__).read_text("utf-8"))


def is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in OURS


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_") and not name.startswith("__") and name not in DOCUMENTED


def overridden(module: ModuleType) -> Iterator[str]:
    """Private and undocumented names of a library's class that a class of ours defines again."""
    for kind in vars(module).values():
        if isclass(kind) and kind.__module__ == module.__name__:
            theirs = {
                name for base in kind.__mro__[1:] if not is_ours(base) and base is not object for name in vars(base)
            }
            made_by_python = {"_abc_impl", "_is_protocol"}
            defined = {name for name in vars(kind) if is_private(name) or name in UNDOCUMENTED}
            yield from defined & theirs - made_by_python


def our_names(trees: list[ast.AST]) -> set[str]:
    """Every private name that our own code defines: on ``self`` only in a class without bases, as a base may have the name already."""
    names: set[str] = set()
    for node in (inner for tree in trees for inner in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if isinstance(node, ast.ClassDef) and not node.bases:
            names.update(
                one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute) and is_stored_on_self(one)
            )
    return names


def is_stored_on_self(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store) and getattr(node.value, "id", "") == "self"


def used(tree: ast.AST, ours: set[str]) -> Iterator[str]:
    """Private attributes that our code reads or sets, and does not define."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in ours:
            yield node.attr


def replaced(module: ModuleType, tree: ast.AST) -> Iterator[str]:
    """Attributes of a library's class or of a model's class that our code assigns."""
    for node in ast.walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if not isinstance(target, ast.Attribute):
                continue
            owner = target.value
            if isinstance(owner, ast.Call) and getattr(owner.func, "id", "").startswith("get_"):
                yield target.attr
            elif isinstance(owner, ast.Name):
                kind = getattr(module, owner.id, None)
                if isclass(kind) and not is_ours(kind):
                    yield target.attr


def found() -> dict[str, set[str]]:
    every = [(module, tree_of(module)) for module in modules()]
    ours = our_names([tree for _, tree in every])
    names: dict[str, set[str]] = {}
    for module, tree in every:
        for name in (*overridden(module), *used(tree, ours), *replaced(module, tree)):
            names.setdefault(name, set()).add(module.__name__.replace(".", "/") + ".py")
    return names


def listed() -> dict[str, tuple[set[str], str]]:
    """The names on the page, each with its modules and its tests."""
    rows = [row.strip("| ").split(" | ") for row in PAGE.read_text("utf-8").splitlines() if row.startswith("| `")]
    return {
        re.findall(r"`([^`]+)`", row[0])[0].rpartition(".")[2]: (set(re.findall(r"`([^`]+)`", row[1])), row[3])
        for row in rows
    }


def test_the_page_lists_every_private_name_with_each_module_that_uses_it() -> None:
    assert {name: paths for name, (paths, _) in listed().items()} == found()


def test_each_row_names_a_test_that_exists() -> None:
    for name, (_, tests) in listed().items():
        paths = re.findall(r"`([^`]+\.py)`", tests)
        assert paths, name
        assert all((ROOT / path).is_file() for path in paths), (name, paths)


def test_an_unlisted_name_is_noticed() -> None:
    planted = ast.parse("answer._planted = 1\nsomething._raw_delete()\nrow._meta.db_table")
    assert set(used(planted, set())) == {"_planted", "_raw_delete"}
