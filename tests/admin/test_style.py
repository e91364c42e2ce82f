"""The page of all components: for developers, never in production."""

import pytest
from django.conf import LazySettings
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("demo", "debug", "status"), [(False, False, 404), (True, False, 200), (False, True, 200)], ids=str
)
def test_the_components_are_shown_in_the_demo_only(
    as_root: Client, settings: LazySettings, demo: bool, debug: bool, status: int
) -> None:
    settings.DEMO, settings.DEBUG = demo, debug
    assert as_root.get("/admin/style/").status_code == status


def test_a_stranger_never_sees_them(settings: LazySettings) -> None:
    settings.DEMO = True
    answer = Client(headers={"host": "localhost"}).get("/admin/style/", secure=True)
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


def test_the_pages_of_applications_lead_to_home(as_root: Client) -> None:
    for label in ("core_identity", "sso", "scim"):
        answer = as_root.get(f"/admin/{label}/")
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")
