"""The simulated Okta against the running product: the story in both dialects, and the consent in Chromium."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from demo.people import PEOPLE
from tests.journeys.conftest import Customer, new_customer
from tests.support.processes import ended
from tests.support.saml import TestIdp
from tests.support.service import Service, free_port


def simulate(file: Path, *words: str) -> str:
    """Run the program as ./dev does, require that everything was accepted, and return its output."""
    command = [sys.executable, "-m", "demo.simulate", *words, "--connection-file", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def remembered(customer: Customer, folder: Path) -> Path:
    file = folder / "connection.json"
    file.write_text(json.dumps(customer.setup))
    return file


def rows_of(printed: str) -> dict[str, list[str]]:
    """Return the cells of the table at the end, by the person's name."""
    lines = printed.partition(" believes, and what CORE stores\n\n")[2].splitlines()
    edges = [match.span() for match in re.finditer("─+", lines[1])]
    return {cells[0]: cells[1:] for cells in ([line[a:b].strip() for a, b in edges] for line in lines[2:])}


@pytest.mark.parametrize("dialect", ["okta-aiw", "okta-oin", "entra"])
def test_the_story_ends_with_ten_users_whatever_the_dialect_R8_R16_R20_R29(
    customer: Customer, tmp_path: Path, dialect: str
) -> None:
    file = remembered(customer, tmp_path)
    for printed in (simulate(file, dialect, "--story"), simulate(file, dialect, "--story")):
        rows = rows_of(printed)
        assert len(rows) == len(PEOPLE) == 10
        # Zoë married: Okta calls her otherwise, and in CORE she is who she was.
        zoe = rows["Zoë Haddad"]
        assert zoe[0] == "zoe.haddad@acme.test"
        assert zoe[3].startswith("zoe.mueller")
        assert (zoe[2], zoe[4]) == ("may sign in", "zoe.mueller@acme.test")
        # Sam came back to Okta, and an administrator of CORE has not said yes.
        assert tuple(rows["Sam Lee"][1:3]) == ("assigned", "expired")
        assert rows["Priya Nair"][5] == "Archivists"
        assert "group waits for a role" in printed
        # Entra deletes: gone from SCIM, and with the next story hired again under her old id.
        aiko = ("not assigned", "") if dialect == "entra" else ("assigned", "may sign in")
        assert tuple(rows["Aiko Tanaka"][1:3]) == aiko
    assert "reactivation requested: the user stays expired until an administrator unexpires them" in printed


def test_one_idp_runs_its_story_after_the_other_pushed_its_people(customer: Customer, tmp_path: Path) -> None:
    """Okta's Viewers are Reviewers since its story, and are pushed again as that. Entra's get another name, so the two never meet."""
    file = remembered(customer, tmp_path)
    for words in (("okta-oin", "--story"), ("okta-oin",), ("entra", "--story")):
        printed = simulate(file, *words)
    assert "Rename the group Viewers to Assessors" in printed


def test_the_story_shows_each_decision(customer: Customer, tmp_path: Path) -> None:
    printed = simulate(remembered(customer, tmp_path), "okta-aiw", "--story")
    for words in (
        "nobody had this UID: a new user",
        "userName stored, the username in CORE stays; email stored, the email in CORE stays",
        "the user was expired",
        "reactivation requested: the user stays expired",
        "group deleted: its memberships ended",
    ):
        assert words in printed, words


@pytest.mark.browser
def test_an_administrator_lets_the_simulated_okta_in_and_it_comes_back_without_asking_R14(
    service: Service, idp: TestIdp, window: BrowserContext, tmp_path: Path
) -> None:
    port = free_port()
    scim = {"redirect_uris": [f"http://127.0.0.1:{port}/callback"], "grants": ["authorization_code"]}
    customer = new_customer(service, idp, scim=scim)
    file = remembered(customer, tmp_path)
    password = service.add_administrator(f"chief-{customer.slug}")
    command = [sys.executable, "-m", "demo.simulate", "okta-oin", "--authorize", f"--callback-port={port}"]
    with ended(
        subprocess.Popen([*command, "--connection-file", str(file)], stdout=subprocess.PIPE, text=True)
    ) as running:
        assert running.stdout is not None
        url = next(line.strip() for line in running.stdout if line.startswith("  http"))
        assert "scope=offline_access" in url
        page = window.new_page()
        page.goto(url)
        page.get_by_label("Username").fill(f"chief-{customer.slug}")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Allow", exact=True).click()
        expect(page.get_by_text("Thank you. Everything else is in the terminal.")).to_be_visible()
        printed = running.stdout.read()
    assert running.returncode == 0, printed
    assert "People pushed        10" in printed
    tokens = tmp_path / "tokens.json"
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    kept = json.loads(tokens.read_text())
    printed = simulate(file, "okta-oin", "--lose-answer", "--deactivate", "sam.lee@acme.test")
    assert "Renewed the token with the same refresh token" in printed
    assert json.loads(tokens.read_text())["access_token"] != kept["access_token"]
    # A token is renewed before it runs out.
    tokens.write_text(json.dumps(json.loads(tokens.read_text()) | {"good_until": 0}))
    assert "Renewed the token\n" in simulate(file, "okta-oin", "--reactivate", "sam.lee@acme.test")
