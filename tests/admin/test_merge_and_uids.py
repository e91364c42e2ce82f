"""R5, R10, R11 in the administration: merge with a preview, offers, UIDs let go and given."""

import re
from dataclasses import replace

import pytest
from django.db.models.signals import post_init
from django.test import Client
from django.urls import reverse

from core_identity.admin.people_page import AT_ONCE
from core_identity.admin_kit.lists import ON_A_PAGE
from core_identity.keys import key
from core_identity.models import Connection, Event, Identity, User
from core_identity.services.push.provisioning import create_person
from core_identity.services.users import create_user
from tests.admin.conftest import put
from tests.support.cast import ADMIN, COMMAND, JANE, OKTA

ROE = replace(JANE, uid="jane.roe", external_id="00u9", user_name="jane.roe@acme.test", email="jane.roe@acme.test")


@pytest.fixture
def roe(acme: Connection, jane: Identity) -> Identity:
    return create_person(actor=OKTA, connection=acme, person=ROE).identity


def text_of(answer: object) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())  # type: ignore[attr-defined]


def url(name: str, user_id: object) -> str:
    return reverse(f"admin:core_identity_user_{name}", args=[user_id])


def test_a_merge_is_shown_before_it_is_done_R11(as_root: Client, jane: Identity, roe: Identity) -> None:
    page = url("merge", jane.user_id)
    shown = text_of(as_root.post(page, {"other": "jane.roe@acme.test"}))
    assert f"The SCIM id {roe.scim_id} answers 404" in shown
    assert not Event.objects.filter(kind="user.merged").exists()
    answer = as_root.post(
        page, {"other": "jane.roe@acme.test", "keep": "this", "reason": "one human", "shown": str(jane.user_id)}
    )
    assert answer.status_code == 302
    assert User.objects.get(pk=roe.user_id).merged_into_id == jane.user_id
    assert Event.objects.get(kind="user.merged").reason == "one human"


def test_a_merge_that_was_not_shown_is_not_done_R11(as_root: Client, jane: Identity, roe: Identity) -> None:
    form_data = {"other": "jane.roe@acme.test", "keep": "other", "reason": "one human", "shown": str(jane.user_id)}
    shown = text_of(as_root.post(url("merge", jane.user_id), form_data))
    assert "What will happen" in shown
    assert not User.objects.filter(merged_into__isnull=False).exists()


def test_an_unknown_user_name_is_reported(as_root: Client, jane: Identity) -> None:
    assert "There is no user known as" in text_of(as_root.post(url("merge", jane.user_id), {"other": "nobody"}))


def test_the_tombstone_leads_to_the_one_kept_and_cannot_be_changed_R11(
    as_root: Client, jane: Identity, roe: Identity
) -> None:
    form_data = {"other": str(roe.user_id), "keep": "this", "reason": "one human", "shown": str(jane.user_id)}
    as_root.post(url("merge", jane.user_id), form_data)
    assert url("change", jane.user_id) in text_of(as_root.get(url("change", roe.user_id)))
    assert as_root.get(url("merge", roe.user_id)).status_code == 403
    assert "Merged into this user" in text_of(as_root.get(url("change", jane.user_id)))


def test_the_desk_cannot_merge_staff_R11(as_desk: Client, acme: Connection, jane: Identity) -> None:
    create_user(actor=COMMAND, username="chief", customer=acme.customer, is_staff=True)
    form_data = {"other": "chief", "keep": "this", "reason": "x", "shown": str(jane.user_id)}
    assert "Only a superuser" in text_of(as_desk.post(url("merge", jane.user_id), form_data))
    assert not User.objects.filter(merged_into__isnull=False).exists()


def test_a_former_uid_is_let_go_R5(as_root: Client, jane: Identity) -> None:
    put(jane, replace(JANE, uid="jane.roe"))
    former = jane.uids.get(current=False)
    assert "release the UID jane.doe" in text_of(as_root.get(url("uids", jane.user_id)))
    as_root.post(url("uids", jane.user_id), {"act": f"release {former.pk}", "reason": "for the newcomer"})
    assert [uid.uid for uid in jane.uids.all()] == ["jane.roe"]


def test_another_uid_is_given_R8a(as_root: Client, jane: Identity) -> None:
    act = {"act": f"relink {jane.pk}", "reason": "wrong attribute mapped"}
    assert "Which UID?" in text_of(as_root.post(url("uids", jane.user_id), act))
    as_root.post(url("uids", jane.user_id), {**act, "uid": "4711"})
    assert jane.uids.get(current=True).uid == "4711"


def test_users_are_offered_from_the_list_and_withdrawn_R10(as_root: Client, acme: Connection) -> None:
    user = create_user(actor=ADMIN, username="pat@acme.test", customer=acme.customer)
    listed = "/admin/core_identity/user/"
    page = text_of(as_root.post(listed, {"action": "offer_chosen", "_selected_action": [str(user.pk)]}))
    assert "Import New Users" in page
    as_root.post(
        reverse("admin:core_identity_user_offer"),
        {"user": [str(user.pk)], "connection": str(acme.pk), "reason": "the old list"},
    )
    identity = Identity.objects.get(user=user)
    assert identity.is_resource
    as_root.post(url("uids", user.pk), {"act": f"withdraw {identity.pk}", "reason": "a mistake"})
    assert not Identity.objects.filter(user=user).exists()


def test_too_many_people_for_an_offer_are_refused_before_they_are_all_read(as_root: Client, acme: Connection) -> None:
    names = [f"person{number}@acme.test" for number in range(3 * AT_ONCE)]
    User.objects.bulk_create(User(username=name, username_key=key(name), customer=acme.customer) for name in names)
    loaded: list[str] = []

    def note(instance: User, **_: object) -> None:
        loaded.append(instance.username)

    post_init.connect(note, sender=User)
    try:
        chosen = {"action": "offer_chosen", "select_across": "1", "_selected_action": [str(User.objects.all()[0].pk)]}
        answer = as_root.post("/admin/core_identity/user/", chosen)
    finally:
        post_init.disconnect(note, sender=User)
    assert len([name for name in loaded if name in names]) <= ON_A_PAGE + AT_ONCE + 2
    assert "These are more than 100 people. Choose at most 100 at once." in text_of(as_root.get(answer["Location"]))
