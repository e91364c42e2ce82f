"""No module imports itself by way of others, so each can be read and tested alone. Imports inside functions count too."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core_identity", "scim", "sso", "demo", "devtools", "benchmarks")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).glob("**/*.py"))
}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a module imports at run time, wherever the import is."""
    nodes: list[ast.AST] = [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                yield from (name for name in [member if member in MODULES else node.module] if name in MODULES)


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of one cycle; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_import_leads_back_to_its_module() -> None:
    graph = {name: set(imported(path)) - {name} for name, path in MODULES.items()}
    assert "core_identity.models" in graph["core_identity.services.expiry"]
    assert cycle_in(graph) == []


def test_a_cycle_is_noticed_but_not_between_types(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("if TYPE_CHECKING:\n    import scim.models\n\ndef act():\n    from core_identity import keys\n")
    assert list(imported(module)) == ["core_identity.keys"]
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
