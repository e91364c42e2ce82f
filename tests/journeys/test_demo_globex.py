"""The demo as `./dev run` makes it: a visitor is Globex's IT administrator, and sets up an empty connection by the screen only."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.idp.server import DemoIdp
from demo.idp.signing_key import load_or_make
from tests.support.accessibility import assert_accessible, assert_good_for_everybody
from tests.support.clients import open_client
from tests.support.service import Service, running_service

pytestmark = pytest.mark.browser
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo-state")


@pytest.fixture(scope="module")
def core(folder: Path) -> Iterator[Service]:
    with running_service(folder, workers=1, DEMO="on") as service:
        yield service


@pytest.fixture(scope="module")
def demo(core: Service, folder: Path) -> Iterator[DemoIdp]:
    """The demo IdP over a product that `seed_demo` prepared. *Begin again* calls the same command."""
    file = folder / "connection.json"
    words = ["seed_demo", "--idp-metadata", str(folder / "idp-metadata.xml"), "--answer", str(file)]

    def begin_again() -> None:
        assert core.manage(*words, "--begin-again")[0] == 0

    with DemoIdp(
        0,
        sp_url=core.url,
        connection="acme",
        keys=load_or_make(folder),
        connection_file=file,
        reset_core=begin_again,
    ) as idp:
        thread = threading.Thread(target=idp.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        metadata = open_client(base_url=idp.parties.idp_url).get("/metadata").content
        (folder / "idp-metadata.xml").write_bytes(metadata)
        assert core.manage(*words)[0] == 0
        yield idp
        idp.shutdown()
        thread.join()


def step(page: Page, name: str) -> Any:
    return page.locator(f"#step-{name}")


def test_a_visitor_connects_globex_from_the_screen_only(
    demo: DemoIdp, core: Service, window: BrowserContext, tmp_path: Path, picture: Callable[[Any, str], None]
) -> None:
    start = window.new_page()
    start.goto(demo.parties.idp_url)
    expect(start.get_by_role("heading", level=2).first).to_contain_text("The story")
    assert_accessible(start)
    with window.expect_page() as opened:
        start.get_by_role("link", name="Globex's app in Okta").click()
    app = opened.value
    with window.expect_page() as opened:
        start.get_by_role("link", name="Open the set-up link").click()
    setup = opened.value
    setup.get_by_role("button", name="Begin").click()

    # The metadata of the app, as a file.
    with app.expect_download() as download:
        app.get_by_role("link", name="Download the metadata").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    step(setup, "metadata").get_by_role("link").click()
    setup.locator("input[type=file]").set_input_files(file)
    setup.get_by_role("button", name="Preview").click()
    setup.get_by_role("button", name="Send the metadata").click()
    setup.get_by_role("link", name="Back to the steps").click()

    # A test sign-in, as one of Globex's people.
    step(setup, "test").get_by_role("link", name="Start a test").click()
    setup.get_by_role("button", name="Start the test").click()
    expect(setup.get_by_text("jane.doe@globex.test")).to_be_visible()
    setup.get_by_role("button", name="Jane Doe").click()
    expect(setup.get_by_text("CORE would let this person in.")).to_be_visible()
    setup.get_by_role("link", name="Back to the steps").click()

    # The token, from the set-up page into the app; then a test and a push.
    step(setup, "provisioning").get_by_role("link").click()
    setup.get_by_label("Name of the token").fill("Globex's Okta")
    setup.get_by_role("button", name="Create the token").click()
    token = setup.get_by_label("Token", exact=True).input_value()
    setup.get_by_role("link", name="I have copied it").click()
    app.get_by_label("API token").fill(token)
    app.get_by_role("button", name="Test the connection").click()
    expect(app.locator("#log")).to_contain_text("200 OK")
    expect(step(setup, "test_call")).to_contain_text("done", timeout=20_000)
    app.get_by_role("button", name="Push everybody and the groups").click()
    expect(app.get_by_role("row", name="Jane Doe")).to_contain_text("may sign in")
    assert token not in app.content()
    assert_accessible(app)
    picture(app, "demo-app")
    expect(step(setup, "first_push")).to_contain_text("A person arrived.", timeout=20_000)

    # The sign-in finds the user whom the push made; Globex's people are not Acme's.
    person = window.new_page()
    person.goto(f"{core.url}/sso/globex/login")
    person.get_by_role("button", name="Zoë Müller").click()
    expect(person.get_by_text("zoe.mueller@globex.test").first).to_be_visible()
    start.reload()
    expect(start.get_by_text("not assigned")).to_have_count(10)

    # Begin again resets both sides, and the old token and link are worth nothing.
    old = start.get_by_role("link", name="Open the set-up link").get_attribute("href")
    start.get_by_role("button", name="Begin again").click()
    new = start.get_by_role("link", name="Open the set-up link").get_attribute("href")
    assert new is not None
    assert new != old
    app.goto(app.url)
    expect(app.get_by_text("Nobody yet.")).to_be_visible()
    assert core.http().get("/scim/globex/v2/Users", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert core.http().get(new).status_code == httpx.codes.OK


def test_the_demo_shows_no_rule_numbers_and_folds_on_a_telephone(demo: DemoIdp, window: BrowserContext) -> None:
    page = window.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/", "/tile", "/sessions", "/apps/globex/", "/apps/globex/tile"):
        page.goto(demo.parties.idp_url + path)
        assert re.search(r"\bR\d+\b", page.locator("body").inner_text()) is None, path
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert_accessible(page)


def test_the_link_of_globex_is_readable_by_its_owner_only(demo: DemoIdp, folder: Path) -> None:
    file = folder / "globex.json"
    assert json.loads(file.read_text())["setup_link"].startswith(f"{demo.parties.sp_url}/set-up/open/")
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", ["/apps/globex/test", "/apps/globex/push", "/apps/globex/leave"])
def test_a_page_of_another_site_presses_no_button_of_an_app(demo: DemoIdp, path: str) -> None:
    http = open_client(base_url=demo.parties.idp_url)
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example:8001"}):
        assert http.post(path, data={"token": "x"}, headers=headers).status_code == httpx.codes.NOT_FOUND


def test_an_app_does_not_sign_for_another_connection(demo: DemoIdp, window: BrowserContext) -> None:
    """A request of Acme's connection, taken to Globex's app, is refused there."""
    http = open_client()
    away = http.get(demo.parties.login_url).headers["location"]
    answer = http.get(away.replace("/sso?", "/apps/globex/sso?"))
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "this IdP serves only" in answer.text


def test_an_address_of_an_app_that_no_connection_can_have_is_refused(demo: DemoIdp) -> None:
    http = open_client(base_url=demo.parties.idp_url)
    assert http.get("/apps", params={"connection": "../x"}).status_code == httpx.codes.BAD_REQUEST
    assert http.get("/apps", params={"connection": "acme"}).headers["location"] == "/"
    assert http.get("/apps", params={"connection": "initech"}).headers["location"] == "/apps/initech/"
    assert http.post("/apps/globex/test", data={"token": "a b"}).status_code == httpx.codes.BAD_REQUEST


def test_the_page_of_components_is_accessible_and_prints(
    core: Service, demo: DemoIdp, chromium: Browser, picture: Callable[[Any, str], None]
) -> None:
    context = chromium.new_context(base_url=core.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    page.goto("/admin/style/")
    page.get_by_label("Username").fill("artist")
    page.get_by_label("Password").fill(core.add_administrator("artist"))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Components")
    assert_good_for_everybody(page)
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollHeight") <= 5 * 900
    page.get_by_role("button", name="Open the dialog").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert_accessible(page)
        picture(page, f"style-{scheme}")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    context.close()
    assert faults == []
