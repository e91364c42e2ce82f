"""Groups give roles that administrators made, and take away only these (R27-R32)."""

from typing import Any

from core_identity.values import Person
from tests.journeys.conftest import Customer


def roles(customer: Customer, person: Person) -> dict[str, list[dict[str, Any]]]:
    return {role["name"]: role["sources"] for role in customer.user(str(person.uid))["roles"]}


def test_a_push_group_gives_the_role_of_its_name_and_deleting_it_takes_only_that_away(
    customer: Customer, jane: Person
) -> None:
    okta = customer.okta()
    member = okta.push(jane)["id"]
    editors = okta.push_group("editors", member)
    okta.push_group("Viewers", member)
    by_scim = {"channel": "scim", "connection": customer.slug}
    assert roles(customer, jane) == {
        "Editors": [by_scim | {"push_group": "editors"}],
        "Viewers": [by_scim | {"push_group": "Viewers"}],
    }
    page = customer.sign_in(jane)
    assert "group editors, pushed by" in " ".join(page.text.split())
    assert okta.http.delete(f"/Groups/{editors}").status_code == 204
    assert roles(customer, jane) == {"Viewers": [by_scim | {"push_group": "Viewers"}]}
    assert okta.http.get(f"/Groups/{editors}").status_code == 404


def test_no_role_is_ever_made_by_a_push_and_a_group_waits_for_its_role_R27_R29(
    customer: Customer, jane: Person
) -> None:
    okta = customer.okta()
    member = okta.push(jane)["id"]
    name = f"Archivists {customer.slug}"
    okta.push_group(name, member)
    assert roles(customer, jane) == {}
    answer = customer.service.ask("role", "create", name, "--grantable-by", customer.slug)
    assert answer["linked"] == [{"connection": customer.slug, "push_group": name, "members": 1}]
    assert list(roles(customer, jane)) == [name]


def test_a_group_of_10_is_replaced_whole_by_a_put(customer: Customer, jane: Person) -> None:
    okta = customer.okta()
    member = okta.push(jane)["id"]
    okta.push_group("Editors", member)
    assert list(roles(customer, jane)) == ["Editors"]
    okta.push_group("Editors")
    assert roles(customer, jane) == {}
