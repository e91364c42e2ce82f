"""The heart: whatever order the two channels speak in, one human is one user (R7)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core_identity.values import Person
from tests.journeys.conftest import Customer, new_customer
from tests.support.saml import TestIdp
from tests.support.service import Service


def test_scim_then_sso_is_one_user(customer: Customer, jane: Person) -> None:
    pushed = customer.okta().push(jane)
    page = customer.sign_in(jane)
    assert page.status_code == 200
    assert "Jane Doe" in page.text
    user = customer.user(str(jane.uid))
    (identity,) = user["identities"]
    assert (identity["scim_id"], identity["uid"]) == (pushed["id"], jane.uid)
    assert [event["kind"] for event in user["events"]].count("user.created") == 1


def test_sso_then_scim_is_one_user(customer: Customer, jane: Person) -> None:
    assert customer.sign_in(jane).status_code == 200
    before = customer.user(str(jane.uid))
    okta = customer.okta()
    assert okta.lookup(str(jane.user_name)) is None, "what SCIM has never pushed is no SCIM resource (R8a)"
    created = okta.create(jane)
    assert created.status_code == 201, created.text
    after = customer.user(str(jane.uid))
    assert after["id"] == before["id"]
    assert after["identities"][0]["scim_id"] == created.json()["id"]
    assert customer.sign_in(jane).status_code == 200


def test_both_at_the_same_instant_from_many_processes_is_one_user(customer: Customer, jane: Person) -> None:
    okta = customer.okta()

    def speak(number: int) -> int:
        if number % 2:
            return okta.create(jane).status_code
        return customer.sign_in(jane).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(speak, range(20)))
    assert set(answers[0::2]) == {200}, "every sign-in is let in"
    assert sorted(set(answers[1::2])) in ([201], [201, 409]), "a push is taken once; the others are plain duplicates"
    assert answers[1::2].count(201) == 1
    user = customer.user(str(jane.uid))
    assert len(user["identities"]) == 1
    kinds = [event["kind"] for event in user["events"]]
    assert (kinds.count("user.created"), kinds.count("identity.created")) == (1, 1)
    listed = okta.http.get("/Users", params={"count": 100}).json()
    assert listed["totalResults"] == 1


def test_many_people_at_once_are_as_many_users(customer: Customer, jane: Person) -> None:
    okta = customer.okta()
    people = [
        replace(
            jane,
            uid=f"p{number}.{customer.slug}",
            external_id=f"00u-{number}-{customer.slug}",
            user_name=f"p{number}.{customer.slug}@acme.test",
            email=f"p{number}.{customer.slug}@acme.test",
        )
        for number in range(10)
    ]
    with ThreadPoolExecutor(20) as pool:
        pushes = pool.map(lambda person: okta.create(person).status_code, people)
        sign_ins = pool.map(lambda person: customer.sign_in(person).status_code, people)
        assert set(pushes) == {201}
        assert set(sign_ins) == {200}
    assert okta.http.get("/Users", params={"count": 100}).json()["totalResults"] == 10


def test_a_rename_in_okta_keeps_the_user_and_a_newcomer_gets_their_own_R8(customer: Customer, jane: Person) -> None:
    okta = customer.okta()
    first = okta.push(jane)
    before = customer.user(str(jane.uid))
    renamed = replace(
        jane, user_name=f"jane.smith.{customer.slug}@acme.test", email=f"jane.smith.{customer.slug}@acme.test"
    )
    stored = okta.http.get(f"/Users/{first['id']}").json()
    answer = okta.http.put(
        f"/Users/{first['id']}",
        json=stored
        | {"userName": renamed.user_name, "emails": [{"value": renamed.email, "primary": True, "type": "work"}]},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["userName"] == renamed.user_name
    after = customer.user(str(jane.uid))
    assert (after["id"], after["username"]) == (before["id"], before["username"])
    assert after["email"] == before["email"], "the user's email is ours (R16)"
    assert customer.sign_in(renamed).status_code == 200
    newcomer = replace(
        jane,
        uid=f"other.{customer.slug}",
        external_id=f"00u-other-{customer.slug}",
        email=f"other.{customer.slug}@acme.test",
    )
    created = okta.create(newcomer)
    assert created.status_code == 201, created.text
    assert customer.user(f"other.{customer.slug}")["id"] != before["id"]


def test_the_same_human_at_two_customers_is_two_users_R1(service: Service, idp: TestIdp) -> None:
    one, other = new_customer(service, idp), new_customer(service, idp)
    person = replace(Person(), uid="sam.lee", external_id="00usam", user_name="sam@lee.test", active=True, given_name="Sam",
                     family_name="Lee", email="sam@lee.test")  # fmt: skip
    ids = {customer.okta().push(person)["id"] for customer in (one, other)}
    assert len(ids) == 2
    assert one.user("sam.lee")["id"] != other.user("sam.lee")["id"]
    assert other.okta().http.get(f"/Users/{one.okta().lookup('sam@lee.test')['id']}").status_code == 404  # type: ignore[index]


@pytest.mark.parametrize("first", ["scim", "sso"])
def test_a_second_person_with_a_used_email_gets_no_existing_user_R9(
    customer: Customer, jane: Person, first: str
) -> None:
    okta = customer.okta()
    okta.push(jane)
    other = replace(jane, uid=f"jd.{customer.slug}", external_id="00u-jd", user_name=f"jd.{customer.slug}@acme.test")
    if first == "scim":
        refused = okta.create(other)
        assert (refused.status_code, refused.json()["scimType"]) == (409, "uniqueness")
        assert "already in use by another user" in refused.json()["detail"]
    else:
        page = customer.sign_in(replace(other, user_name=None))
        assert page.status_code == 403
        assert str(jane.user_name) not in page.text
    assert okta.http.get("/Users").json()["totalResults"] == 1
