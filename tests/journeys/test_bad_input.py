"""Faulty UIDs, over both channels: each answer names the attribute, and nothing is written (R5, R6, R12).

docs/explanation/one-human-one-user.md explains the same cases.
"""

from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import pytest

from core_identity.models import Connection, Event, Grant, Identity, IdentityUid, User
from core_identity.values import Person
from tests.scim.conftest import ENTERPRISE, Scim, error, secrets_of, token_of
from tests.sso.conftest import Browser
from tests.support.cast import JANE, ZOE, by_sso
from tests.support.okta import body_of
from tests.support.saml import TestIdp
from tests.support.undone import undone

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

UID: Final = "EmployeeId"
"""Another name than the preset one, so that a sentence with the preset in it is found out (R2)."""

REFUSED: Final = {
    "zero-width-space": ("jane\u200b.doe", "invisible character U+200B"),
    "zero-width-joiner": ("jane\u200d.doe", "invisible character U+200D"),
    "nothing-but-zero-width": ("\u200b", "invisible character U+200B"),
    "byte-order-mark": ("\ufeffjane.doe", "invisible character U+FEFF"),
    "soft-hyphen": ("jane\u00ad.doe", "invisible character U+00AD"),
    "right-to-left": ("\u202ejane.doe", "invisible character U+202E"),
    "hangul-filler": ("jane\u3164.doe", "invisible character U+3164"),
    "grapheme-joiner": ("jane\u034f.doe", "invisible character U+034F"),
    "variation-selector": ("jane\ufe0f.doe", "invisible character U+FE0F"),
    "line-break": ("jane\n.doe", "invisible character U+000A"),
    "1000-characters": ("x" * 1000, "longer than 255 characters"),
    "100-that-are-1800-once-compared": ("\ufdfa" * 100, "longer than 255 characters"),
}
"""By the fault: a UID that both channels refuse, and words of the answer."""

OF_THE_WRONG_TYPE: Final = {
    "number-with-a-fraction": (42.5, "42.5"),
    "true": (True, "True"),
    "two-values": (["jane.doe", "j.doe"], "['jane.doe', 'j.doe']"),
    "empty-list": ([], "[]"),
    "list-of-such-a-number": ([7.5], "7.5"),
    "object": ({"id": "jane.doe"}, "{'id': 'jane.doe'}"),
}
"""Values that JSON can contain in place of a text, by name, with the form in which an answer shows them."""

SOMEBODY_ELSE: Final = {
    "cyrillic-a": "j\u0430ne.doe",
    "greek-o": "jane.d\u03bfe",
    "dotless-i-for-i": "\u0131rem",
    "dotted-I-for-i": "\u0130rem",
    "space-inside": "jane .doe",
    "1-for-l": "jane.doe1",
}
"""Values that look like a known UID and are not: another key, so another person."""

THE_SAME: Final = {
    "trailing-space": "jane.doe ",
    "wide-spaces-around": "\u00a0jane.doe\u3000",
    "line-breaks-around": "\n\tjane.doe\n",
    "capitals": "JANE.DOE",
    "wide-letters": "\uff4a\uff41\uff4e\uff45.doe",
}
"""UIDs that are the same for a person, and for R5."""

NOTHING_SAID: Final = {"empty": "", "spaces": "   ", "wide-spaces": "\u3000\u00a0"}

IREM = replace(ZOE, uid="irem", external_id="00u3irem", user_name="irem@acme.test", email="irem@acme.test")
NEWCOMER = replace(ZOE, uid=None)


@pytest.fixture
def acme(acme: Connection) -> Connection:
    acme.uid_attribute = UID
    acme.save()
    return acme


@pytest.fixture
def okta(acme: Connection) -> Scim:
    return Scim(acme, token_of(secrets_of(acme)))


@pytest.fixture
def browser(acme: Connection, idp: TestIdp) -> Browser:
    return Browser(idp)


def resource(person: Person, uid: object) -> dict[str, Any]:
    """Return the resource of a person with this UID, whatever it is."""
    return body_of(person) | {ENTERPRISE: {UID: uid}}


def push_person(okta: Scim, person: Person) -> Identity:
    """Push a person and return the identity."""
    response = okta.post("/Users", resource(person, person.uid))
    assert response.status_code == 201, response.content
    return Identity.objects.get(scim_id=response.json()["id"])


def come_back(browser: Browser, person: Person, *uids: str, raw: bool = False) -> "Answer":
    """Sign in up to the answer of the ACS with these values of the UID attribute."""
    attributes = dict(browser.claims(by_sso(person, uid=None)).attributes)
    return browser.come_back(by_sso(person), attributes=attributes | {UID: uids}, raw=raw)


def refusal(answer: "Answer") -> str:
    """Assert that nobody was let in, and return the text of the page."""
    assert answer.status_code == 403
    assert "sessionid" not in answer.cookies
    assert answer["X-Request-Id"] in answer.content.decode()
    return unescape(answer.content.decode())


def written() -> list[object]:
    """Return everything that is stored about people, and the events of changes. An event of the refusal and a conflict may be new (R9)."""
    changes = Event.objects.exclude(kind__endswith=".refused").exclude(kind="conflict.opened").count()
    return [
        changes,
        *(list(model._default_manager.order_by("pk").values()) for model in (User, Identity, IdentityUid, Grant)),
    ]


def test_scim_refuses_a_uid_by_name_and_writes_nothing_R5(okta: Scim) -> None:
    jane = push_person(okta, JANE)
    before = written()
    for case, (value, sentence) in (REFUSED | OF_THE_WRONG_TYPE).items():
        operation = {"op": "replace", "path": f"{ENTERPRISE}:{UID}", "value": value}
        with undone(case):
            for answer in (
                okta.post("/Users", resource(NEWCOMER, value)),
                okta.put(f"/Users/{jane.scim_id}", resource(JANE, value)),
                okta.patch(f"/Users/{jane.scim_id}", operation),
            ):
                detail = error(answer, 400, "invalidValue")
                assert UID in detail
                assert sentence in detail
            assert written() == before


def test_no_uid_is_so_bad_that_it_blocks_a_deactivation_R23(okta: Scim) -> None:
    jane = push_person(okta, JANE)
    for case, (value, _) in (REFUSED | OF_THE_WRONG_TYPE).items():
        with undone(case):
            answer = okta.put(f"/Users/{jane.scim_id}", resource(replace(JANE, active=False), value))
            assert answer.status_code == 200
            assert (answer.json()["active"], answer.json()[ENTERPRISE][UID]) == (False, JANE.uid)
            assert User.objects.get().expired_at is not None


def test_sso_refuses_a_uid_by_name_and_writes_nothing_R12(okta: Scim, idp: TestIdp) -> None:
    push_person(okta, JANE)
    before = written()
    for case, (value, sentence) in REFUSED.items():
        with undone(case):
            browser = Browser(idp)
            for person in (JANE, ZOE):
                page = refusal(come_back(browser, person, value))
                assert UID in page
                assert sentence in page
            assert written() == before
            assert browser.me().status_code == 401


def test_sso_refuses_a_uid_that_is_not_a_single_text_and_writes_nothing_R12(browser: Browser) -> None:
    before = written()
    assert f"The attribute {UID} has 2 different values" in refusal(come_back(browser, JANE, "jane.doe", "j.doe"))
    nested = refusal(come_back(browser, JANE, "jane<x>.doe</x>", raw=True))
    assert f"The attribute {UID} contains something else than plain text" in nested
    assert written() == before


@pytest.mark.parametrize("case", NOTHING_SAID)
def test_an_empty_uid_counts_as_absent_and_the_user_name_is_the_uid_R6(okta: Scim, case: str) -> None:
    answer = okta.post("/Users", resource(JANE, NOTHING_SAID[case]))
    assert answer.status_code == 201
    (uid,) = IdentityUid.objects.all()
    assert (uid.uid, uid.derived) == (JANE.user_name, True)


@pytest.mark.parametrize("case", NOTHING_SAID)
def test_an_empty_uid_never_clears_one_R6(okta: Scim, case: str) -> None:
    jane = push_person(okta, JANE)
    answer = okta.put(f"/Users/{jane.scim_id}", resource(JANE, NOTHING_SAID[case]))
    assert (answer.status_code, answer.json()[ENTERPRISE][UID]) == (200, JANE.uid)


@pytest.mark.parametrize("case", NOTHING_SAID)
def test_an_empty_uid_is_refused_by_name_where_the_connection_requires_one_R6(
    okta: Scim, acme: Connection, case: str
) -> None:
    acme.uid_required_in_scim = True
    acme.save()
    before = written()
    assert UID in error(okta.post("/Users", resource(JANE, NOTHING_SAID[case])), 400, "invalidValue")
    assert written() == before


@pytest.mark.parametrize("case", NOTHING_SAID)
def test_a_sign_in_with_an_empty_uid_is_refused_by_name_R12(browser: Browser, case: str) -> None:
    before = written()
    page = refusal(come_back(browser, JANE, NOTHING_SAID[case]))
    assert f"<code>{UID}</code>" in page
    assert written() == before


@pytest.mark.parametrize("case", THE_SAME)
def test_uids_that_look_the_same_to_people_find_the_same_person_R5(okta: Scim, browser: Browser, case: str) -> None:
    jane = push_person(okta, JANE)
    error(okta.post("/Users", resource(JANE, THE_SAME[case])), 409, "uniqueness")
    assert okta.put(f"/Users/{jane.scim_id}", resource(JANE, THE_SAME[case])).status_code == 200
    assert browser.follow(come_back(browser, JANE, THE_SAME[case])).status_code == 200
    assert [one.pk for one in User.objects.all()] == [jane.user_id]


def test_a_list_of_one_text_is_that_text_for_early_entra_sends_it(okta: Scim) -> None:
    assert okta.post("/Users", resource(JANE, ["jane.doe"])).json()[ENTERPRISE][UID] == "jane.doe"


@pytest.mark.parametrize("case", SOMEBODY_ELSE)
def test_a_uid_that_looks_alike_is_another_person_over_either_channel_R5(
    okta: Scim, browser: Browser, case: str
) -> None:
    known = {push_person(okta, person).user_id for person in (JANE, IREM)}
    pushed = push_person(okta, replace(ZOE, uid=SOMEBODY_ELSE[case]))
    assert pushed.user_id not in known
    assert browser.follow(come_back(browser, ZOE, SOMEBODY_ELSE[case])).status_code == 200
    assert browser.me().json()["id"] == str(pushed.user_id)


@pytest.mark.parametrize("holder", ["scim", "sso"])
@pytest.mark.parametrize("case", SOMEBODY_ELSE)
def test_a_uid_that_looks_alike_opens_and_adopts_nobody_R8b_R9(
    okta: Scim, browser: Browser, idp: TestIdp, case: str, holder: str
) -> None:
    """The strongest attack: all other keys are those of the person with the similar UID."""
    victim = IREM if "-for-i" in case else JANE
    if holder == "scim":
        push_person(okta, victim)
    else:
        assert come_back(Browser(idp), victim, str(victim.uid)).status_code == 303
    before = written()
    assert "cannot be sure" in refusal(come_back(browser, victim, SOMEBODY_ELSE[case]))
    error(okta.post("/Users", resource(replace(victim, external_id=None), SOMEBODY_ELSE[case])), 409, "uniqueness")
    assert written() == before
    assert browser.me().status_code == 401


@pytest.mark.parametrize(
    ("uid", "warned"),
    [("j\u0430ne.doe", "Latin and Cyrillic"), ("jane.d\u03bfe", "Latin and Greek"), ("jane.doe", ""), ("zoë", ""),
     ("\u0430\u043d\u043d\u0430.smith", ""), ("王.wang", ""), ("佐藤サトウ", "")],
    ids=ascii,
)  # fmt: skip
def test_letters_of_several_scripts_in_one_word_are_pointed_out_R5(okta: Scim, uid: str, warned: str) -> None:
    push_person(okta, replace(JANE, uid=uid))
    reason = Event.objects.get(kind="identity.uid_set").reason
    assert (warned in reason) if warned else reason == ""


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"externalId": "00u\u200b1"}, "externalId"),
        ({"userName": "jane\u200b@acme.test"}, "userName"),
        ({"name": {"givenName": "Ja\u0007ne", "familyName": "Doe"}}, "name.givenName"),
        ({"title": "\u0007"}, "title"),
        ({"emails": [{"value": f"{'x' * 300}@acme.test"}]}, "emails"),
        ({ENTERPRISE: {UID: "jane.doe", "organization": "\u0007"}}, f"{ENTERPRISE}:organization"),
    ],
)
def test_scim_gets_its_own_name_of_the_faulty_attribute(okta: Scim, changes: dict[str, Any], name: str) -> None:
    before = written()
    assert error(okta.post("/Users", resource(JANE, "jane.doe") | changes), 400, "invalidValue").startswith(f"{name} ")
    assert written() == before


def test_a_person_sees_the_idps_own_name_of_the_faulty_attribute_R12(browser: Browser) -> None:
    page = refusal(come_back(browser, replace(JANE, email=f"{'x' * 300}@acme.test"), "jane.doe"))
    assert "Email is longer than 255 characters." in page
    assert "FirstName is longer" in refusal(come_back(browser, replace(JANE, given_name="x" * 2000), "jane.doe"))
