"""Lists: sorted, paged by index and by cursor (RFC 7644 section 3.4.2, RFC 9865), and searched over all types at once."""

import re
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scim.wire.list_response import CURSOR_SECONDS
from tests.scim.conftest import ENTERPRISE, Scim, error, person

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
EVERYTHING = 3
"""Statements of a list of Users: the token, the page, and the row of the provisioning log. Each thirtieth request also takes a part of the budget."""

NAMES = ["b.two@acme.test", "D.four@acme.test", "a.one@acme.test", "c.three@acme.test"]


@pytest.fixture
def people(okta: Scim) -> list[dict[str, Any]]:
    titles = {0: "editor", 2: "Chief"}
    return [okta.make(name, **({"title": titles[at]} if at in titles else {})) for at, name in enumerate(NAMES)]


def named(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one.get("userName") or one["displayName"] for one in answer.json()["Resources"]]


def test_a_list_is_sorted_without_letter_case_both_ways(okta: Scim, people: Any) -> None:
    ascending = sorted(NAMES, key=str.lower)
    assert named(okta.get("/Users", sortBy="userName")) == ascending
    assert named(okta.get("/Users", sortBy="USERNAME", sortOrder="Descending")) == ascending[::-1]
    assert named(okta.get("/Users", sortBy="userName", startIndex="2", count="2")) == ascending[1:3]


def test_resources_without_a_value_come_last_or_in_descending_order_first(okta: Scim, people: Any) -> None:
    assert named(okta.get("/Users", sortBy="title")) == [NAMES[2], NAMES[0], NAMES[1], NAMES[3]]
    assert named(okta.get("/Users", sortBy="title", sortOrder="descending")) == [NAMES[1], NAMES[3], NAMES[0], NAMES[2]]


@pytest.mark.parametrize(
    "by",
    [
        "displayName",
        "active",
        f"{ENTERPRISE}:employeeNumber",
        "name.familyName",
        "emails",
        "emails.value",
        "meta.lastModified",
        "externalId",
        "id",
        f"{ENTERPRISE}:department",
    ],
)
def test_a_list_can_be_sorted_by(okta: Scim, people: Any, by: str) -> None:
    assert sorted(named(okta.get("/Users", sortBy=by))) == sorted(NAMES)


@pytest.mark.parametrize("by", ["nonsense", "password", "name", "members"])
def test_sorting_by_an_unsortable_attribute_is_refused(okta: Scim, by: str) -> None:
    error(okta.get("/Users", sortBy=by), 400, "invalidValue")
    error(okta.post("/Users/.search", {"schemas": [SEARCH], "sortBy": by}), 400, "invalidValue")


def test_an_invalid_sort_order_is_refused(okta: Scim) -> None:
    error(okta.get("/Users", sortBy="userName", sortOrder="upwards"), 400, "invalidValue")


def test_groups_are_sorted_too(okta: Scim) -> None:
    for name in ("b", "C", "a"):
        okta.post("/Groups", {"displayName": name})
    assert named(okta.get("/Groups", sortBy="displayName")) == ["a", "b", "C"]


# By cursor


def walk(okta: Scim, path: str, **query: str) -> list[list[str]]:
    """Return the names of each page, until there is no next."""
    pages: list[list[str]] = []
    cursor = ""
    while len(pages) < 10:
        answer = okta.get(path, cursor=cursor, **query)
        pages.append(named(answer))
        document = answer.json()
        assert "startIndex" not in document
        assert document["itemsPerPage"] == len(pages[-1])
        if "nextCursor" not in document:
            return pages
        cursor = document["nextCursor"]
        assert re.fullmatch(r"[A-Za-z0-9._~-]+", cursor), "only unreserved characters (RFC 9865 section 2)"
    pytest.fail("The pages have no end.")


def test_pages_by_cursor_hold_everybody_once(okta: Scim, people: Any) -> None:
    assert walk(okta, "/Users", count="3") == [NAMES[:3], NAMES[3:]]
    assert walk(okta, "/Users", count="2") == [NAMES[:2], NAMES[2:]]
    assert walk(okta, "/Users") == [NAMES]
    assert walk(okta, "/Users", count="1", filter='userName sw "b" or userName sw "c"') == [[NAMES[0]], [NAMES[3]]]
    for name in ("x", "y", "z"):
        okta.post("/Groups", {"displayName": name})
    assert walk(okta, "/Groups", count="2") == [["x", "y"], ["z"]]


def test_nobody_is_skipped_when_somebody_goes_between_two_pages(okta: Scim, people: Any) -> None:
    first = okta.get("/Users", cursor="", count="2").json()
    okta.delete(f"/Users/{people[0]['id']}")
    assert named(okta.get("/Users", cursor=first["nextCursor"], count="2")) == NAMES[2:]


def test_a_search_pages_by_cursor_too(okta: Scim, people: Any) -> None:
    answer = okta.post("/Users/.search", {"schemas": [SEARCH], "cursor": "", "count": 3})
    rest = okta.post("/Users/.search", {"schemas": [SEARCH], "cursor": answer.json()["nextCursor"], "count": 3})
    assert named(answer) + named(rest) == NAMES


def test_a_deep_page_asks_for_no_offset(okta: Scim, people: Any, django_assert_num_queries: Any) -> None:
    cursor = okta.get("/Users", cursor="", count="3").json()["nextCursor"]
    with django_assert_num_queries(EVERYTHING) as queries:
        okta.get("/Users", cursor=cursor, count="3")
    assert not [query["sql"] for query in queries.captured_queries if "OFFSET" in query["sql"]]


def test_every_page_has_the_right_total_and_only_a_filter_makes_the_database_count(okta: Scim, people: Any) -> None:
    def total(count: int, **parameters: str) -> tuple[int, bool]:
        """Ask for a page; return its total, and whether the database counted for it."""
        with CaptureQueriesContext(database) as statements:
            document = okta.get("/Users", count=str(count), **parameters).json()
        cursors.append(document.get("nextCursor", ""))
        return document["totalResults"], any("COUNT(*)" in query["sql"] for query in statements.captured_queries)

    cursors: list[str] = []
    for filtered in ({}, {"filter": "active eq true"}):
        may_count = bool(filtered)
        assert total(2, cursor="", **filtered) == (4, may_count)
        assert total(2, cursor=cursors[-1], **filtered) == (4, False)
        assert total(9, cursor="", **filtered) == (4, False)
        for start, count, counts in (
            (1, 9, False),
            (1, 2, True),
            (4, 2, False),
            (3, 2, True),
            (5, 2, True),
            (10**20, 2, True),
            (1, 0, True),
        ):
            assert total(count, startIndex=str(start), **filtered) == (4, counts and may_count), (start, count)


def test_a_look_up_takes_three_statements_found_or_not(okta: Scim, people: Any, django_assert_num_queries: Any) -> None:
    okta.get("/Users", count="0")  # takes the first part of the budget
    for text, found in (
        (f'userName eq "{NAMES[0]}"', 1),
        ('userName eq "nobody@acme.test"', 0),
        (f'emails[type eq "work"].value eq "{NAMES[1]}"', 1),
        (f'id eq "{people[0]["id"]}"', 1),
    ):
        for place in ({}, {"startIndex": "1", "count": "100"}, {"startIndex": "2"}, {"count": "0"}):
            with django_assert_num_queries(EVERYTHING):
                document = okta.get("/Users", filter=text, **place).json()
            shown = 0 if place.get("startIndex") == "2" or place.get("count") == "0" else found
            assert (document["totalResults"], document["itemsPerPage"]) == (found, shown)
    with django_assert_num_queries(EVERYTHING):
        assert okta.get(f"/Users/{people[0]['id']}").status_code == 200


def test_a_cursor_of_another_query_or_connection_or_by_forgery_is_refused(okta: Scim, other: Scim, people: Any) -> None:
    cursor = okta.get("/Users", cursor="", count="1").json()["nextCursor"]
    error(okta.get("/Users", cursor=cursor, filter="active eq true"), 400, "invalidCursor")
    error(okta.get("/Groups", cursor=cursor), 400, "invalidCursor")
    error(other.get("/Users", cursor=cursor), 400, "invalidCursor")
    error(okta.get("/Users", cursor=cursor + "x"), 400, "invalidCursor")
    error(okta.get("/Users", cursor="MTIz"), 400, "invalidCursor")
    error(okta.get("/Users", cursor="\x00"), 400, "invalidCursor")
    error(okta.post("/Users/.search", {"schemas": [SEARCH], "cursor": 3}), 400, "invalidCursor")


def test_a_cursor_has_its_time(okta: Scim, people: Any) -> None:
    cursor = okta.get("/Users", cursor="", count="1").json()["nextCursor"]
    with time_machine.travel(timezone.now().timestamp() + CURSOR_SECONDS + 60):
        from scim.search.cursors import Question, place_of
        from scim.wire.errors import ExpiredCursor

        with pytest.raises(ExpiredCursor):
            place_of(cursor, Question(okta.connection, "User", None))


def test_two_ways_of_paging_at_once_are_refused(okta: Scim) -> None:
    error(okta.get("/Users", cursor="", startIndex="1"), 400, "invalidValue")
    error(okta.get("/Users", cursor="", sortBy="userName"), 400, "invalidValue")
    error(okta.get("/Users", cursor="", count="many"), 400, "invalidCount")


# Over all types


def search(okta: Scim, **parameters: Any) -> Any:
    return okta.post("/.search", {"schemas": [SEARCH], **parameters})


def test_the_root_is_searched_over_users_and_groups(okta: Scim, people: Any) -> None:
    okta.post("/Groups", {"displayName": "Editors", "externalId": "e1"})
    assert named(search(okta)) == [*NAMES, "Editors"]
    assert named(search(okta, startIndex=4, count=2)) == [NAMES[3], "Editors"]
    assert named(search(okta, startIndex=5)) == ["Editors"]
    assert named(search(okta, filter='displayName eq "Editors"')) == ["Editors"]
    assert named(search(okta, filter=f'userName eq "{NAMES[0]}"')) == [NAMES[0]]
    assert named(search(okta, filter='externalId eq "e1"')) == ["Editors"]
    [shown] = search(okta, filter='externalId eq "e1"', attributes=["displayName"]).json()["Resources"]
    assert set(shown) == {"schemas", "id", "displayName"}
    [shown] = search(okta, filter='externalId eq "e1"', attributes=["userName"]).json()["Resources"]
    assert set(shown) == {"schemas", "id"}, "no group has a userName, so nothing of it was asked for"


def test_the_root_is_paged_by_cursor(okta: Scim, other: Scim, people: Any) -> None:
    for name in ("Editors", "Authors"):
        okta.post("/Groups", {"displayName": name})
    everything = [*NAMES, "Editors", "Authors"]
    for count in (1, 2, 3, 4, 5, 6, 7):
        found: list[str] = []
        cursor: str | None = ""
        pages = 0
        while cursor is not None:
            answer = search(okta, cursor=cursor, count=count)
            found += named(answer)
            document, pages = answer.json(), pages + 1
            assert document["totalResults"] == len(everything)
            assert document["itemsPerPage"] == len(document["Resources"])
            assert "startIndex" not in document
            cursor = document.get("nextCursor")
        assert (found, pages) == (everything, -(-len(everything) // count))
    first, late = (search(okta, cursor="", count=count).json()["nextCursor"] for count in (2, 5))
    okta.delete(f"/Users/{people[0]['id']}")
    assert named(search(okta, cursor=first, count=1)) == [NAMES[2]], "nobody is skipped if somebody goes"
    shown = search(okta, cursor=late, attributes=["displayName"]).json()["Resources"]
    assert [(set(one), one["displayName"]) for one in shown] == [({"schemas", "id", "displayName"}, "Authors")]
    for cursor in (first, late):
        error(search(okta, cursor=cursor, filter="displayName pr"), 400, "invalidCursor")
        error(search(other, cursor=cursor), 400, "invalidCursor")
        error(okta.get("/Users", cursor=cursor), 400, "invalidCursor")
        error(search(okta, cursor=cursor, startIndex=1), 400, "invalidValue")
    error(search(okta, cursor=okta.get("/Users", cursor="", count="1").json()["nextCursor"]), 400, "invalidCursor")
    error(search(okta, cursor="MTIz"), 400, "invalidCursor")


def test_a_search_request_with_another_schema_is_refused(okta: Scim) -> None:
    for path in ("/.search", "/Users/.search", "/Groups/.search"):
        assert okta.post(path, {}).status_code == 200
        for schemas in ("x", ["urn:nope"], []):
            error(okta.post(path, {"schemas": schemas}), 400, "invalidSyntax")
        both = {"attributes": ["nonsense"], "excludedAttributes": ["nonsense"]}
        error(okta.post(path, {"schemas": [SEARCH], **both}), 400, "invalidValue")


def test_an_attribute_of_no_resource_type_is_refused_at_the_root_too(okta: Scim) -> None:
    error(search(okta, filter='nonsense eq "x"'), 400, "invalidFilter")
    error(search(okta, sortBy="id"), 400, "invalidValue")
    for parameters in ({}, {"cursor": ""}):
        assert "cannot be sorted" in error(search(okta, sortBy="userName", **parameters), 400, "invalidValue")


def test_nobody_of_another_customer_is_found_R1(okta: Scim, other: Scim) -> None:
    other.make("jane.doe@globex.test")
    other.post("/Groups", {"displayName": "Editors"})
    assert named(search(okta)) == []


def test_the_me_address_is_answered_as_not_implemented(okta: Scim) -> None:
    assert "belongs to a connection" in error(okta.get("/Me"), 501)
    error(okta.patch("/Me"), 501)
    assert okta.send("GET", "/Me", Authorization="").status_code == 401


def test_a_person_shown_by_display_name_only_is_a_person(okta: Scim) -> None:
    okta.post("/Users", person("x.y@acme.test"))
    assert named(search(okta, filter='displayName eq "x.y"')) == ["x.y@acme.test"]


# What it costs


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
def test_a_page_costs_the_same_whatever_is_on_it(okta: Scim, path: str, django_assert_num_queries: Any) -> None:
    def fill(start: int, stop: int) -> None:
        user_ids = [okta.make(f"p{at}.x@acme.test")["id"] for at in range(start, stop)]
        for at in range(start, stop):
            okta.post("/Groups", {"displayName": f"g{at}", "members": [{"value": one} for one in user_ids]})

    for start, stop in ((0, 2), (2, 14)):
        fill(start, stop)
        okta.get(path, count="0")  # takes the first part of the budget of this minute
        with django_assert_num_queries(EVERYTHING if path == "/Users" else EVERYTHING + 1):
            assert len(okta.get(path, count="100").json()["Resources"]) == stop


def test_members_that_are_not_shown_are_not_read(okta: Scim, django_assert_num_queries: Any) -> None:
    okta.post("/Groups", {"displayName": "Editors", "members": [{"value": okta.make()["id"]}]})
    okta.get("/Groups", count="0")  # takes the first part of the budget
    with django_assert_num_queries(EVERYTHING) as queries:
        [shown] = okta.get("/Groups", excludedAttributes="members").json()["Resources"]
    assert "members" not in shown
    assert not [query["sql"] for query in queries.captured_queries if "pushgroupmember" in query["sql"]]
