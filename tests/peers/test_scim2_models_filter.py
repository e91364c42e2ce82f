"""A second opinion on the filter grammar: scim2-models reads the same texts into the same trees, except for listed differences."""

import re
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter
from scim2_models.exceptions import InvalidFilterException
from scim2_models.path import expressions as theirs

from scim.wire import filter as ours
from scim.wire.errors import InvalidFilter
from tests.support.nightly import examples

DIFFERENCES: Final[dict[str, re.Pattern[str]]] = {
    "white space is a space or a tab: the RFC knows the space only, theirs lets lines break": re.compile(r"[\n\r\f\v]"),
    "a value ends where a space, a bracket or the end is: theirs reads 'eq 1and' and 'eq \"x\"and'": re.compile(
        r"(?i)[0-9](and|or)\b"
    ),
    "no space before a selector, and none around the dot after it, as in the RFC": re.compile(
        r"[ \t]\[|\][ \t]+\.|\]\.[ \t]"
    ),
    "half a surrogate pair and NUL are no text that a column can hold": re.compile(
        r"(?i)\\u(?:d[89a-f]|0000)|[\0\ud800-\udfff]"
    ),
    "a keyword may be the name of an attribute here": re.compile(r"(?i)(^|[ \t(\[])(not|and|or|pr|eq|ne)[ \t]+(pr|eq)"),
}
"""Where the two may differ, each with its reason. Everywhere else they agree on every text."""

NAMES = st.sampled_from(
    [
        "userName",
        "USERNAME",
        "name.givenName",
        "meta.lastModified",
        "$ref",
        "members.$ref",
        "never",
        "a-b",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName",
        "URN:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    ]
)
VALUES = st.sampled_from(
    ["true", "False", "null", "0", "-1", "1.5", "1e3", "1e999", "01", '""', '"x"', r'"\""', r'"\\"', r'"\u00e9"', '"é"']
) | st.text(alphabet='ab"\\ %_*()[]é', max_size=6).map(lambda text: f'"{text}"')
OPERATORS = st.sampled_from(["eq", "Ne", "co", "SW", "ew", "gt", "ge", "lt", "le", "pr", "like", "="])
TERMS = st.one_of(
    st.builds("{} {} {}".format, NAMES, OPERATORS, VALUES),
    st.builds("{} {}".format, NAMES, st.sampled_from(["pr", "PR", "prx", "eq"])),
)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}{}{}".format, inner, st.sampled_from([" and ", " or ", " AND ", "  Or ", " xor "]), inner),
        st.builds("{}({})".format, st.sampled_from(["", "not ", "not", "NOT "]), inner),
        st.builds("{}[{}]".format, NAMES, inner),
        st.builds("{}[{}].{}".format, NAMES, inner, TERMS),
    )


FILTERS = st.recursive(TERMS, _joined, max_leaves=6)
DAMAGED = st.builds(
    lambda text, at, piece: text[: at % (len(text) + 1)] + piece + text[(at + 1) % (len(text) + 1) :],
    FILTERS,
    st.integers(0, 200),
    st.sampled_from([*list(" ()[].:\"\\,'=é"), " and ", " not ", "1", "..", "urn:"]),
)


def our_tree(text: str) -> ours.Filter | None:
    try:
        return ours.parse_filter(text)
    except InvalidFilter:
        return None


def their_tree(text: str) -> ours.Filter | None:
    """Their tree, in our words; None where they refuse."""
    try:
        return _translated(ScimFilter(text).ast)
    except InvalidFilterException:
        return None


def _translated(node: theirs.FilterNode) -> ours.Filter:
    match node:
        case theirs.Comparison():
            return ours.Comparison(str(node.attr_path), node.op.value, node.value)
        case theirs.Present():
            return ours.Present(str(node.attr_path))
        case theirs.Not():
            return ours.Not(_translated(node.expr))
        case theirs.LogicalExpr():
            joined = ours.And if node.op is theirs.LogicalOperator.and_ else ours.Or
            return joined(tuple(_translated(term) for term in node.terms))
        case theirs.ValuePath():
            return ours.ValuePath(str(node.attr_path), _translated(node.val_filter))
    raise AssertionError(node)


@settings(max_examples=examples(150, 5_000), deadline=None)
@given(FILTERS | DAMAGED)
@example('emails[type eq "work"].value eq "x"')
@example("a.b.c pr")
@example("a[b[c pr]]")
@example("a.b[c pr]")
@example("a eq 1e999")
@example("urn:a:b pr")
@example("a:b pr")
@example("not (a pr)and(b pr)")
@example('never pr or a eq "or" and not(b pr)')
def test_both_parsers_take_the_same_texts_for_the_same_filters(text: str) -> None:
    if any(known.search(text) for known in DIFFERENCES.values()):
        return
    assert our_tree(text) == their_tree(text)
