"""*Begin again* on the demo's page."""

import json
from pathlib import Path

import pytest

from demo.dashboard.dashboard import Dashboard
from demo.dashboard.pages import start_page
from demo.idp.__main__ import _reset_core
from demo.idp.parties import Parties
from demo.simulate.connection import Unusable
from demo.simulate.directory import open_directory, read_directory

BASE = "http://localhost:8000/scim/v2/1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Make the files of `./dev run`, after Jane was pushed."""
    keys = ("token_url", "authorize_url", "client_id", "client_secret")
    (tmp_path / "connection.json").write_text(
        json.dumps({"scim_base_url": BASE} | {key: f"http://localhost/{key}" for key in keys})
    )
    with open_directory(tmp_path / "okta.json", BASE) as directory:
        jane = directory.people["00u1jane"]
        jane.assigned, jane.link, jane.trouble, directory.steps_done = True, "7", "refused once", [0, 1]
    return tmp_path / "connection.json"


def test_begin_again_resets_core_and_okta_forgets_the_people_it_pushed(file: Path) -> None:
    calls: list[str] = []
    Dashboard(file, "http://127.0.0.1:8001", lambda: calls.append("CORE")).begin_again()
    directory = read_directory(file.with_name("okta.json"), BASE)
    jane = directory.people["00u1jane"]
    assert calls == ["CORE"]
    assert (jane.assigned, jane.link, jane.trouble, directory.steps_done) == (False, None, "", [])


def test_if_core_cannot_begin_again_then_okta_does_not_either(file: Path) -> None:
    def fail() -> None:
        _reset_core(["sh", "-c", "echo 'There are other connections.' >&2; exit 1"])

    with pytest.raises(Unusable, match=r"There are other connections\."):
        Dashboard(file, "http://127.0.0.1:8001", fail).begin_again()
    assert read_directory(file.with_name("okta.json"), BASE).people["00u1jane"].link == "7"


def test_the_page_explains_the_tile_and_the_mistakes_where_it_offers_them(tmp_path: Path) -> None:
    view = Dashboard(tmp_path / "none.json", "http://127.0.0.1:8001").view()
    page = start_page(view, Parties("http://127.0.0.1:8001", "http://localhost:8000", "acme"))
    assert "choose a mistake" in page
    assert "CORE refuses this" in page
