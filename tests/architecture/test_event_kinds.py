"""docs/reference/events.md is made of `EventKind`, and all code takes its kinds from there (R34).

Renew it with ``.venv/bin/python -m tests.architecture.test_event_kinds``.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from core_identity.event_kinds import EventKind

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/reference/events.md"
RENEW = "`.venv/bin/python -m tests.architecture.test_event_kinds`"
HEAD = f"""# Events

Generated from `core_identity/event_kinds.py`. Do not edit this page: change the enum and run
{RENEW}.

| kind | what happened |
|---|---|
"""


def rendered() -> str:
    return HEAD + "".join(f"| `{kind}` | {kind.means} |\n" for kind in EventKind)


def kinds_in(source: str) -> Iterator[str]:
    """Every literal of the form ``noun.verb`` that ``source`` gives as a kind; not a kind whose end is computed."""
    for node in ast.walk(ast.parse(source)):
        values: list[ast.expr] = []
        if isinstance(node, ast.keyword) and node.arg == "kind":
            values = [node.value]
        elif isinstance(node, ast.Dict):
            values = [
                v
                for k, v in zip(node.keys, node.values, strict=True)
                if isinstance(k, ast.Constant) and k.value == "kind"
            ]
        elif isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id == "kind" for one in node.targets
        ):
            values = [node.value]
        for part in (inner for one in values for inner in ast.walk(one)):
            if (
                isinstance(part, ast.Constant)
                and isinstance(part.value, str)
                and "." in part.value.strip(".")
                and part.value[-1] not in "._"
            ):
                yield part.value


def test_the_page_of_events_is_current_R34() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), f"run {RENEW}"


def test_no_code_writes_an_event_kind_as_text_R34() -> None:
    files = [path for app in ("core_identity", "scim", "sso") for path in (ROOT / app).rglob("*.py")]
    named = {kind for path in files if "migrations" not in path.parts for kind in kinds_in(path.read_text("utf-8"))}
    assert named == set(), "use EventKind, so that the type checker knows the kind"


def test_each_kind_is_recorded_somewhere_R34() -> None:
    files = [path for app in ("core_identity", "scim", "sso") for path in (ROOT / app).rglob("*.py")]
    used = {name for path in files for name in re.findall(r"EventKind\.([A-Z_]+)", path.read_text("utf-8"))}
    assert {kind.name for kind in EventKind} <= used


def test_a_kind_as_a_text_is_noticed_R34() -> None:
    planted = 'record(kind="user.planted" if x else "user.created")\nkind = "a.b"\nmany([{"kind": "c.d"}])'
    assert sorted(kinds_in(planted)) == ["a.b", "c.d", "user.created", "user.planted"]


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
