"""Each open step of a set-up has advice in the words of each identity provider, for both of its pages (R37, R38)."""

import re

import pytest

from core_identity.models import Connection
from core_identity.selectors import set_up_advice as core_advice
from core_identity.services.connections import change_connection
from core_identity.services.groups import link_waiting
from core_identity.services.push.provisioning import create_person
from core_identity.services.roles import create_role
from core_identity.set_up import AdviceOf, Step, Vendor, steps_of
from scim import set_up_advice as scim_advice
from sso import set_up_advice as sso_advice
from tests.support.cast import ADMIN, BROWSER, JANE, OKTA, by_sso, make_connection
from tests.support.groups import push
from tests.support.sign_in import sign_in

TABLES = (core_advice.ADVICE, scim_advice.ADVICE, sso_advice.ADVICE)


def step(connection: Connection, name: str, vendor: Vendor = Vendor.OKTA) -> Step:
    return next(one for one in steps_of(connection, vendor) if one.name == name)


@pytest.mark.parametrize("table", TABLES)
def test_each_vendor_has_advice_for_the_same_steps(table: AdviceOf) -> None:
    assert set(table) == set(Vendor)
    assert len({frozenset(steps) for steps in table.values()}) == 1


@pytest.mark.parametrize("table", TABLES)
def test_advice_that_waits_for_something_also_names_what_to_check(table: AdviceOf) -> None:
    for steps in table.values():
        for advice in steps.values():
            assert bool(advice.waits_for) == bool(advice.check)
            assert re.fullmatch(r"|[a-z].*\.", advice.waits_for), "it continues the words: We wait for"


@pytest.mark.parametrize("table", TABLES)
def test_the_advice_of_a_vendor_names_no_screen_of_another(table: AdviceOf) -> None:
    names = {Vendor.OKTA: "Okta", Vendor.ENTRA: "Entra", Vendor.GOOGLE: "Google"}
    for vendor, steps in table.items():
        words = " ".join(f"{one.do} {one.check}" for one in steps.values())
        assert [name for other, name in names.items() if other is not vendor and name in words] == []


@pytest.mark.django_db
@pytest.mark.parametrize("vendor", Vendor)
def test_each_open_step_has_advice_on_both_pages(vendor: Vendor) -> None:
    open_steps = [one for one in steps_of(make_connection(), vendor) if not one.done]
    assert len(open_steps) == 9
    counted = [one for one in open_steps if not one.is_optional]
    assert len(counted) == (5 if vendor is Vendor.GOOGLE else 9), "Google pushes nobody to an app of your own"
    for one in open_steps:
        assert one.advice.do
        assert one.for_customer is not None
        assert (one.for_customer.advice or one.advice).do


@pytest.mark.django_db
def test_the_step_of_groups_is_open_while_one_waits_R38() -> None:
    acme = make_connection()
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    jane = create_person(actor=OKTA, connection=acme, person=JANE).identity
    waiting = push(acme, "Archivists", jane)
    roles = step(acme, "roles")
    assert (roles.done, roles.facts) == (False, ("1 group waits for a role.",))
    push(acme, "Editors", jane)
    roles = step(acme, "roles")
    assert (roles.done, roles.facts) == (False, ("1 group gives a role, 1 waits for a role.",))
    assert roles.for_customer is not None
    assert roles.for_customer.facts == ("1 group gives a role, 1 waits for a decision of your contact.",)
    archivists = create_role(actor=ADMIN, name="Archivists", grantable_by=[acme])
    assert link_waiting(actor=ADMIN, role_id=archivists.pk, group_ids=[waiting.pk]) == 1
    roles = step(acme, "roles")
    assert (roles.done, roles.facts) == (True, ("2 groups give a role.",))


@pytest.mark.django_db
def test_groups_of_sign_ins_tick_the_step_where_they_give_roles_R31() -> None:
    acme = make_connection()
    change_connection(actor=ADMIN, connection_id=acme.pk, roles_from="sso_groups")
    acme.refresh_from_db()
    create_role(actor=ADMIN, name="Editors", grantable_by=[acme])
    assert not step(acme, "roles").done
    sign_in(actor=BROWSER, connection=acme, person=by_sso(JANE, groups=("Editors",)))
    assert step(acme, "roles").done
