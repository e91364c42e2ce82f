"""The base of every test."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

import tests.support.quick_passwords  # noqa: F401 - imported for its effect
from core_identity import write_guard
from tests.support.clients import close_clients
from tests.support.databases import drop_database, migrated_database, name_of
from tests.support.profile import Profile
from tests.support.service import Service, running_service
from tests.support.write_guard import raise_unless_a_test_writes

LONG: Final = ("journeys", "test_state_machine", "peers", "test_every_combination", "test_simulate", "test_races")
"""Parts of the paths of slow tests. These begin first, so that no process works alone at the end."""


write_guard.report = raise_unless_a_test_writes

_browser_files: Final[set[Path]] = set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _browser_files.update(item.path for item in items if item.get_closest_marker("browser"))
    items.sort(
        key=lambda item: (item.path not in _browser_files, not any(part in str(item.path) for part in LONG)),
    )


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from objects that live as long as the process: modules and collected tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def static_files_by_their_plain_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Names with a digest need ``collectstatic``; the journeys, whose servers are real, have it.

    The folder is empty, because WhiteNoise reads all of it for each test client, which takes longer than most requests.
    """
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    folder = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=folder, STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give each process a database of its own, which can be emptied between tests. The tests of the trigger itself use another database."""
    server = os.environ["DATABASE_URL"]
    name = name_of(migrated_database(server))
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE core_identity_event DISABLE TRIGGER core_identity_event_no_truncate")
        yield
        connection.close()
    drop_database(server, name)


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    yield
    close_clients()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all journeys of a worker, and for the peers."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


# Chromium


FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--renderer-process-limit=1", "--disable-site-isolation-trials")
"""One process shows the pages of all sites: to start one for each takes long. Origins, sites and cookies stay separate."""

_chromium: Final = ExitStack()
_launched: Final[list[Browser]] = []
_profiles: Final[list[Profile]] = []
"""The profile of the running Chromium, if there is one yet."""


@pytest.fixture(scope="module")
def chromium() -> Browser:
    """Fail, never skip, where there is none: `./dev test` installs it and says where it is.

    One for neighbouring files. While it runs, Playwright holds an event loop in this thread, and Django refuses its database to whatever runs in one.
    """
    if not _launched:
        path = os.environ.get("CHROMIUM")
        assert path, "CHROMIUM is not set. Run the tests by ./dev test."
        playwright = _chromium.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        _chromium.callback(_launched.clear)
        _chromium.callback(_profiles.clear)
        _chromium.callback(browser.close)
        _launched.append(browser)
    return _launched[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """Close Chromium before a file without tests of the browser begins."""
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path not in _browser_files:
            _chromium.close()


@pytest.fixture
def window(chromium: Browser, service: Service) -> Iterator[BrowserContext]:
    """An empty browser profile. Whatever a page writes to its console as an error fails the journey."""
    if _profiles and _profiles[0].url != service.url:
        _profiles.pop().context.close()
    if not _profiles:
        _profiles.append(Profile(chromium, service.url))
    yield _profiles[0].context
    assert not _profiles[0].empty()


@pytest.fixture(scope="session")
def picture() -> Callable[[Any, str], None]:
    """Take a picture of a page for the documents, if PICTURES names a folder for them: a long page takes a second."""
    name_of_folder = os.environ.get("PICTURES")

    def take(page: Any, name: str) -> None:
        if name_of_folder:
            page.screenshot(path=Path(name_of_folder) / f"{name}.png")

    return take
