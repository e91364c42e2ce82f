"""docs/reference/errors.md is made from the code: every code of SCIM, OAuth and SAML, its sentences, and what to do.

Renew it with ``.venv/bin/python -m tests.architecture.test_errors_page``.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scim.wire.errors import ScimError

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/reference/errors.md"
RENEW = "`.venv/bin/python -m tests.architecture.test_errors_page`"
HEAD = f"""# Errors

Generated from the code. Do not edit this page: change the sentence or the remedy there and run
{RENEW}.

`…` stands for a value of the request. Each answer and each page also contains a reference. With it, an administrator finds the row in
the log.

"""

# Services whose refusals a SCIM client receives.
SCIM_SERVICES = ("push.creating", "groups", "push.locating", "locks", "push.provisioning", "transactions", "uniqueness")


def modules_of_scim() -> Iterator[str]:
    for path in sorted((ROOT / "scim").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if not {"admin", "commands", "management", "migrations", "__init__"} & set(parts):
            yield ".".join(parts)


def sentences(module: ModuleType, base: type[Exception]) -> Iterator[tuple[type[Exception], str, str]]:
    """Yield each class that inherits from ``base`` with the sentence that ``module`` gives it, and the cause of a conflict."""
    from core_identity.values import Cause

    assert module.__file__ is not None
    for call in (
        node for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))) if isinstance(node, ast.Call)
    ):
        kind = value_of(call.func, module)
        if isinstance(kind, type) and issubclass(kind, base):
            texts = (text_of(argument, module) for argument in call.args)
            sentence = next((text for text in texts if " " in text), "")
            if sentence.strip("… "):
                inner = (value_of(one, module) for one in ast.walk(call) if isinstance(one, ast.Attribute))
                cause = next((one.value for one in inner if isinstance(one, Cause)), "")
                yield kind, sentence, cause


def value_of(node: ast.expr, module: ModuleType) -> object:
    if isinstance(node, ast.Name):
        return getattr(module, node.id, None)
    return getattr(value_of(node.value, module), node.attr, None) if isinstance(node, ast.Attribute) else None


def text_of(node: ast.expr, module: ModuleType) -> str:
    """The text of an expression, with … for what is known only at run time."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part, module) for part in node.values)
    found = node.value if isinstance(node, ast.Constant) else value_of(node, module)
    if isinstance(node, ast.FormattedValue):
        found = value_of(node.value, module)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else "…"


def scim_sentences() -> dict[str, dict[str, dict[str, None]]]:
    """For each code of a SCIM error, the causes in the provisioning log, each with its sentences in the order of the code."""
    from core_identity import errors as core
    from scim.views.failure import _CORE
    from scim.wire import errors as wire

    found: dict[str, dict[str, dict[str, None]]] = {kind.code: {} for kind in scim_kinds()}
    for name in modules_of_scim():
        for kind, sentence, _ in sentences(import_module(name), wire.ScimError):
            code = kind.code  # type: ignore[attr-defined]
            found[code].setdefault(code, {})[sentence] = None
    for name in SCIM_SERVICES:
        for kind, sentence, cause in sentences(import_module(f"core_identity.services.{name}"), core.IdentityError):
            at_the_wire = next((one for of, one in _CORE if issubclass(kind, of)), wire.BadRequest)
            at_the_wire = wire.Unavailable if issubclass(kind, core.Busy) else at_the_wire
            found[at_the_wire.code].setdefault(cause or kind.code, {})[sentence] = None  # type: ignore[attr-defined]
    # Two sentences that are not an argument where they are raised.
    found["invalid_count"] = {"invalid_count": {"count must be a whole number, not ….": None}}
    too_many = wire.TooManyRequests(17).message.replace("17", "…")
    found["too_many_requests"] = {"too_many_requests": {too_many: None}}
    return found


def scim_kinds() -> "list[type[ScimError]]":
    from scim.wire.errors import ScimError, UnclearBody

    pending: list[type[ScimError]] = [ScimError]
    kinds: list[type[ScimError]] = []
    while pending:
        for kind in pending.pop(0).__subclasses__():
            pending.append(kind)
            if kind is not UnclearBody:
                kinds.append(kind)
    return sorted(kinds, key=lambda kind: (kind.status, kind.scim_type or "", kind.code))


def oauth_sentences() -> dict[str, dict[str, None]]:
    from scim.oauth import errors as oauth_errors
    from scim.oauth import server as oauth
    from scim.views import oauth as views

    found: dict[str, dict[str, None]] = {code: {sentence: None} for code, sentence in oauth_errors._SENTENCES.items()}
    for module in (oauth, oauth_errors, views):
        assert module.__file__ is not None
        for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_error":
                code, sentence = (text_of(one, module) for one in node.args[:2])
            elif isinstance(node, ast.Call) and hasattr(error := value_of(node.func, module), "error") and node.args:
                code, sentence = str(getattr(error, "error")), text_of(node.args[0], module)  # noqa: B009 - the toolkit has no types
            elif isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
                parts = {
                    str(getattr(key, "value", "")): value for key, value in zip(node.keys, node.values, strict=True)
                }
                if set(parts) != {"error", "error_description"}:
                    continue
                code, sentence = text_of(parts["error"], module), text_of(parts["error_description"], module)
            else:
                continue
            if code != "…" and (code not in oauth_errors._SENTENCES):
                found.setdefault(code, {})[sentence] = None
    return {code: {one: None for one in texts if one != "…"} for code, texts in found.items()}


def saml_sentences() -> dict[str, list[str]]:
    from core_identity.services.sign_in import BAR_TEXTS
    from sso.saml.refusals import OTHERWISE, SENTENCES, Code
    from sso.sign_in import mapping, refusal_page

    service, locks = (import_module(f"core_identity.services.{name}") for name in ("sign_in", "locks"))
    found = {code.value: [SENTENCES.get(code, OTHERWISE)] for code in Code}
    for module in (service, locks, mapping):
        for kind, sentence, _ in sentences(module, Exception):
            code = getattr(kind, "code", "")
            if code in {"unknown_person", "invalid_value", "not_allowed"}:
                found.setdefault(code, []).append(sentence)
    return found | {
        "missing_attributes": [refusal_page.NOT_EVERYTHING],
        "no_mark": [refusal_page.IN_DOUBT],
        "conflict": [refusal_page.IN_DOUBT],
        "may_not_sign_in": list(BAR_TEXTS.values()),
        "busy": [refusal_page.BUSY],
        "our_fault": [refusal_page.OUR_FAULT],
        "too_many_requests": [refusal_page.TOO_MANY],
        "too_many_sign_ins": [refusal_page.TOO_MANY_SIGN_INS],
    }


def rendered() -> str:
    from scim.log.remedies import REMEDIES as SCIM
    from scim.oauth.errors import REMEDIES as OAUTH
    from sso.sign_in.refusal_advice import advice_for
    from sso.sign_in.remedies import REMEDIES

    lines = ["## SCIM\n", "An identity provider shows these sentences in its task list.\n"]
    kinds = {kind.code: kind for kind in scim_kinds()}
    for code, causes in scim_sentences().items():
        kind = kinds[code]
        lines.append(f"### {kind.status} {f'`{kind.scim_type}`' if kind.scim_type else code.replace('_', ' ')}\n")
        for cause, texts in causes.items():
            lines += _remedy(SCIM[cause].fix, texts)
    lines += ["## OAuth\n", "The answer contains `error` and `error_description`.\n"]
    for code, texts in sorted(oauth_sentences().items()):
        lines += _section(f"`{code}`", OAUTH[code], texts)
    lines += ["## SAML\n", _SAML]
    remedies: Mapping[str, str] = {str(code): text for code, text in REMEDIES.items()}
    rows: dict[tuple[str, str, str], list[str]] = {}
    for code, seen in saml_sentences().items():
        retry = "yes" if advice_for(code).may_retry else "no"
        rows.setdefault((" / ".join(seen), retry, remedies.get(code, _OURS)), []).append(f"`{code}`")
    lines.append("| code | the person sees | *Try again* | what the administrator can do |\n|---|---|---|---|")
    lines += [f"| {' '.join(codes)} | {text} | {retry} | {remedy} |" for (text, retry, remedy), codes in rows.items()]
    return HEAD + "\n".join(lines) + "\n"


_SAML = """The person sees the sentence, what to do, whom to ask, and the reference. The page offers *Try again* only where another try may help.
The page shows the code too. The sign-in log shows it in words, with the remedy.
"""
_OURS = "Look in the log of the service, by the reference."


def _section(title: str, remedy: str, texts: Mapping[str, None]) -> list[str]:
    return [f"### {title}\n", *_remedy(remedy, texts)]


def _remedy(remedy: str, texts: Mapping[str, None]) -> list[str]:
    return [*(f"- {_plain(text)}" for text in texts), "", f"*What to do:* {remedy}\n"]


def _plain(text: str) -> str:
    """Escape the marks of Markdown."""
    return re.sub(r"([<>*`|\\[\]])", r"\\\1", text)


def test_the_page_of_errors_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), f"run {RENEW}"


def test_every_error_of_scim_has_a_sentence() -> None:
    assert not [code for code, causes in scim_sentences().items() if not any(causes.values())]


def test_every_error_of_oauth_has_a_sentence_and_a_remedy() -> None:
    from scim.oauth.errors import REMEDIES

    found = oauth_sentences()
    assert set(found) == set(REMEDIES)
    assert not [code for code, texts in found.items() if not texts]


def test_every_code_of_the_sign_in_log_is_on_the_page() -> None:
    from sso.sign_in.remedies import REMEDIES

    assert {str(code) for code in REMEDIES} - {"logout_refused"} <= set(saml_sentences())


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core_identity.config.settings")
    os.environ.setdefault("SECRET_KEY", "only to render a page")
    os.environ.setdefault("DATABASE_URL", "postgres://nobody@localhost/none")
    django.setup()
    PAGE.write_text(rendered(), encoding="utf-8")
