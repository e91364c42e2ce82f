"""Messages that cost time or memory. Each is refused before a parser, a schema or a canonicalization runs, or is small enough for them."""

from collections.abc import Callable

from tests.sso.attacks.attack import Attack, add, altered, many, raw
from tests.sso.attacks.signatures import C14N, prefixes
from tests.sso.attacks.structure import RESPONSE

STALL = 1_000_000


def _inside(xml: str) -> str:
    return f"{RESPONSE}>{xml}</samlp:Response>"


def _extensions(inside: str) -> Callable[..., None]:
    """Content that the schema allows there, added to a Response that was signed without it."""
    return add(".", f'<samlp:Extensions><x xmlns="urn:x">{inside}</x></samlp:Extensions>', 2)


def _levels(count: int, inside: str = "", of: str = "") -> str:
    return f"<a{of}>" * count + inside + "</a>" * count


def _names(count: int, prefix: str = "n") -> str:
    return "".join(f' xmlns:{prefix}{number}="urn:{number}"' for number in range(count))


TOO_MUCH: dict[str, str] = {
    "large": "x" * STALL,
    "large, as numbers": "&#120;" * 50_000,
    "a little too deep": _levels(30),
    "wide": "<a/>" * 50_000,
    "a little too wide": "<a/>" * 2_500,
    "many attributes": "<a " + " ".join(f'a{number}=""' for number in range(20_000)) + "/>",
    "attributes on many elements": ("<a " + " ".join(f'a{number}=""' for number in range(39)) + "/>") * 400,
    "many namespaces": f"<a{_names(8_000)}/>",
    "namespaces at every level": "".join(f"<a{_names(9, f'n{level}x')}>" for level in range(15)) + "<b/>" * 2_000 + "</a>" * 15,
    "the same namespaces at every level": _levels(15, "<b/>" * 2_000, _names(9)),
    "a long name": f"<{'a' * 250_000}/>" * 2,
    "a long value": f'<a b="{"x" * STALL}"/>',
    "a long namespace": f'<a xmlns="{"x" * STALL}"/>',
    "many IDs": "".join(f'<a ID="i{number}"/>' for number in range(20_000)),
}  # fmt: skip

BOUNDED: dict[str, Callable[..., None]] = {
    "as many elements as may be": _extensions("<b/>" * 2_400),
    "as many attributes as may be": _extensions(("<b " + " ".join(f'a{number}=""' for number in range(39)) + "/>") * 95),
    "as many IDs as may be": _extensions("".join(f'<b ID="i{number}"/>' for number in range(2_400))),
    "as deep as may be": _extensions(_levels(16, "<b/>" * 2_350)),
    "as many namespaces as may be": _extensions("".join(f'<p{number}:b xmlns:p{number}="urn:{number}" p{number}:c=""/>' for number in range(1_900))),
    "as many namespaces in scope as may be": _extensions(f"<a{_names(30)}>{'<b/>' * 2_400}</a>"),
    "as much text as may be": _extensions("&amp;" * 45_000),
    "as many prefixes as may be, over as much": many(
        add(C14N, prefixes(8)),
        add("ds:Signature/ds:SignedInfo/ds:Reference/ds:Transforms/ds:Transform[2]", prefixes(8)),
        _extensions(_levels(15, "<b/>" * 2_350, ' xmlns:q="urn:q"')),
    ),
}  # fmt: skip

ATTACKS: dict[str, Attack] = {
    "deeper than a parser goes": raw("not_xml", _inside(_levels(5_000))),
    **{name: raw("too_large", _inside(xml)) for name, xml in TOO_MUCH.items()},
    "a form of half a megabyte that is no base64": Attack("too_large", lambda scene: "%" * 500_000),
    "spaces": Attack("too_large", lambda scene: " " * 500_000),
    **{name: altered("signature", change) for name, change in BOUNDED.items()},
}
