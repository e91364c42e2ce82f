from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.wire.document import MAX_DEPTH, parse_json
from scim.wire.errors import InvalidSyntax


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{} {}",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'{"active": true, "Active": false}',
        b'{"name": {"x": 1, "X": 2}}',
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        b'{"a": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_body_that_is_not_one_unambiguous_object_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidSyntax):
        parse_json(content)


def test_an_object_is_returned_as_it_is() -> None:
    assert parse_json('﻿{"a": [1, 1.5, true, null, {"b": "é"}]}'.encode()) == {"a": [1, 1.5, True, None, {"b": "é"}]}


def test_a_wide_body_is_not_taken_for_a_deep_one() -> None:
    assert len(parse_json(b'{"members": [' + b",".join([b"{}"] * 10_000) + b"]}")["members"]) == 10_000


@given(st.binary())
def test_any_bytes_are_an_object_or_invalid_syntax(content: bytes) -> None:
    with suppress(InvalidSyntax):
        assert isinstance(parse_json(content), dict)
