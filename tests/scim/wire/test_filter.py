import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.wire.errors import InvalidFilter, InvalidPath, ScimError
from scim.wire.filter import And, Comparison, Filter, Not, Or, Path, Present, ValuePath, parse_filter, parse_path

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
A, B, C = Comparison("a", "eq", "1"), Comparison("b", "eq", "2"), Comparison("c", "eq", "3")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        # The examples of RFC 7644 section 3.4.2.2
        ('userName eq "bjensen"', Comparison("userName", "eq", "bjensen")),
        ('name.familyName co "O\'Malley"', Comparison("name.familyName", "co", "O'Malley")),
        (
            'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"',
            Comparison("urn:ietf:params:scim:schemas:core:2.0:User:userName", "sw", "J"),
        ),
        ("title pr", Present("title")),
        ('meta.lastModified gt "2011-05-13T04:42:34Z"', Comparison("meta.lastModified", "gt", "2011-05-13T04:42:34Z")),
        ('title pr or userType eq "Intern"', Or((Present("title"), Comparison("userType", "eq", "Intern")))),
        (
            'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
            Comparison("schemas", "eq", ENTERPRISE),
        ),
        (
            'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
            And(
                (
                    Comparison("userType", "ne", "Employee"),
                    Not(
                        Or((Comparison("emails", "co", "example.com"), Comparison("emails.value", "co", "example.org")))
                    ),
                )
            ),
        ),
        (
            'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]',
            Or(
                (
                    ValuePath(
                        "emails", And((Comparison("type", "eq", "work"), Comparison("value", "co", "@example.com")))
                    ),
                    ValuePath("ims", Comparison("type", "eq", "xmpp")),
                )
            ),
        ),
        # Entra's form: one term more over the same value
        (
            'emails[type eq "work"].value eq "x"',
            ValuePath("emails", And((Comparison("type", "eq", "work"), Comparison("value", "eq", "x")))),
        ),
        # Precedence: not, then and, then or
        ('a eq "1" or b eq "2" and c eq "3"', Or((A, And((B, C))))),
        ('(a eq "1" or b eq "2") and c eq "3"', And((Or((A, B)), C))),
        ('not (a eq "1") and b eq "2"', And((Not(A), B))),
        ('a eq "1" and b eq "2" and c eq "3"', And((A, B, C))),
        # Keywords have no letter case, spaces are free
        ('NOT(a EQ "1")AND b Eq "2"', And((Not(A), B))),
        ('  a   eq   "1"  ', A),
        # Attributes that look like keywords
        ('not eq "1"', Comparison("not", "eq", "1")),
        ('order eq "1" or android pr', Or((Comparison("order", "eq", "1"), Present("android")))),
        # Values
        ('a eq "say \\"hi\\" \\\\ \\u00e9"', Comparison("a", "eq", 'say "hi" \\ é')),
        ("a eq true", Comparison("a", "eq", True)),
        ("a eq FALSE", Comparison("a", "eq", False)),
        ("a eq null", Comparison("a", "eq", None)),
        ("a gt -1.5e3", Comparison("a", "gt", -1500.0)),
        ("a eq 7", Comparison("a", "eq", 7)),
        (f'{ENTERPRISE}:manager.value eq "1"', Comparison(f"{ENTERPRISE}:manager.value", "eq", "1")),
    ],
)
def test_the_whole_grammar_is_understood(text: str, tree: Filter) -> None:
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "userName",
        "userName eq",
        'userName "x"',
        "userName eq x",
        "userName eq 'x'",
        'userName eq "x',
        'userName eq "x" and',
        'userName eq "x" or or userName pr',
        'userName eq "x" userName pr',
        'and userName eq "x"',
        '(userName eq "x"',
        'userName eq "x")',
        "not userName pr and",
        'emails[type eq "work"',
        "emails[]",
        'emails[type eq "work"].value',
        'emails[type eq "work"] .value eq "x"',
        'emails[value[type eq "work"]]',
        'emails.value[type eq "work"]',
        "name.givenName.first pr",
        "name..givenName pr",
        "users:name pr",
        "urn: pr",
        "a eq 1e999",
        'userName xx "x"',
        'userName eqq "x"',
        'user name eq "x"',
        'userName eq "\\x"',
        'userName eq "line\nbreak"',
        'userName eq "\\u0000"',
        'userName eq "\\ud800"',
        "a eq 01",
        "a eq 1a",
        "a eq truest",
        "a gt --1",
        "\0",
        "é eq 1",
    ],
)
def test_a_text_that_is_not_a_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_filter(text)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "' + "x" * 5_000 + '"',
        " or ".join(['a eq "1"'] * 101),
        "(" * 25 + "a pr" + ")" * 25,
        "not (" * 25 + "a pr" + ")" * 25,
        "(" * 2_000,
        "a[" * 1_000,
        " or ".join(['userName eq "x"'] * 100_000),
    ],
)
def test_length_depth_and_terms_are_bounded(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("members", Path("members")),
        ("name.familyName", Path("name.familyName")),
        ('members[value eq "1"]', Path("members", Comparison("value", "eq", "1"))),
        ('emails[type eq "work"].value', Path("emails", Comparison("type", "eq", "work"), "value")),
        (f"{ENTERPRISE}:UID", Path(f"{ENTERPRISE}:UID")),
        (
            'addresses[type eq "work" and primary eq true].streetAddress',
            Path(
                "addresses", And((Comparison("type", "eq", "work"), Comparison("primary", "eq", True))), "streetAddress"
            ),
        ),
    ],
)
def test_every_form_of_a_patch_path_is_understood(text: str, path: Path) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["", "a b", "[a pr]", "emails[type].value", "emails[type pr]value", "1a", "a..b["])
def test_a_text_that_is_not_a_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidPath):
        parse_path(text)


def test_an_error_shows_the_place_in_the_filter() -> None:
    with pytest.raises(InvalidFilter) as error:
        parse_filter('userName = "x"')
    assert error.value.detail == (
        "The filter is not understood at character 10: expected an operator such as eq, found '= \"x\"'."
    )


PIECES = st.sampled_from(
    [
        "(",
        ")",
        "[",
        "]",
        " ",
        "not",
        "and",
        "or",
        "pr",
        "eq",
        "co",
        "userName",
        "emails",
        ".",
        ":",
        '"',
        '"x"',
        "\\",
        "true",
        "null",
        "-1e9",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName",
        "\0",
        "\ud800",
        "é",
        "\n",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join), st.lists(PIECES, max_size=40).map(" ".join)))
def test_any_text_is_a_filter_and_a_path_or_a_scim_error(text: str) -> None:
    for parse in (parse_filter, parse_path):
        try:
            parse(text)
        except ScimError as error:
            error.detail.encode()
