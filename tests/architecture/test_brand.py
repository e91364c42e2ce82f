"""No sentence contains the name CORE itself: the operator of an installation chooses its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
OURS: Final = re.compile(r"\bCORE\b")
THE_ONE_PLACE: Final = ROOT / "core_identity" / "brand.py"


def texts(source: str) -> Iterator[str]:
    """Yield the strings of a module that are not docstrings."""
    tree = ast.parse(source)
    bodies = (node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list))  # type: ignore[attr-defined]
    docstrings = {id(line.value) for body in bodies for line in body if isinstance(line, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_only_one_module_contains_our_name() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for folder in ("core_identity", "scim", "sso")
        for path in (ROOT / folder).rglob("*.py")
        if path != THE_ONE_PLACE
        for text in texts(path.read_text())
        if OURS.search(text)
    ]
    assert found == []


def test_no_template_contains_our_name() -> None:
    files = list((ROOT / "templates").rglob("*.html"))
    assert [str(path) for path in files if OURS.search(path.read_text())] == []
    assert files


def test_a_planted_name_is_found() -> None:
    planted = 'def f(x):\n    """CORE in a docstring."""\n    return f"{x} and CORE differ", "the core"\n'
    assert [text for text in texts(planted) if OURS.search(text)] == [" and CORE differ"]
