"""`./dev run`."""

import argparse
import urllib.request
from pathlib import Path

from devtools.addresses import remember_address
from devtools.checkout import Checkout
from devtools.database import DEMO, lasting_database, name_aside
from devtools.environment import ensure_environment
from devtools.faults import Fault, say
from devtools.gate import Gate
from devtools.ports import require_free, wait_for_answer
from devtools.product import collect_static_files, manage, manage_command, migrating, product_environment
from devtools.services import services
from devtools.signals import Stopped
from devtools.web_server import THREADS, WORKERS, WebServer

METADATA = "idp-metadata.xml"
SUMMARY = "see it work: the product with a demo customer, and a stand-in for Okta"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Create everything that is needed, start the product with a demo customer and a demo IdP, and print the "
        "addresses. The database `demo` keeps all changes. Ctrl-C stops all that was started."
    )
    parser.add_argument("--port", type=int, default=8000, help="the port of the product (default %(default)s)")
    parser.add_argument("--idp-port", type=int, default=8001, help="the port of the demo IdP (default %(default)s)")
    parser.add_argument(
        "--fresh", action="store_true", help="begin with an empty database, and put the former one aside"
    )
    parser.add_argument("--reload", action="store_true", help="restart the product when its code changes")


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    if options.port == options.idp_port:
        raise Fault("--port and --idp-port must differ.")
    require_free(options.port, "--port")
    require_free(options.idp_port, "--idp-port")
    ensure_environment(checkout)
    gate = Gate()
    server = WebServer(options.port, workers=WORKERS, threads=THREADS, reload=options.reload, gate=gate)
    # Another host name than the product's, so that the demo is cross-site, as a real IdP is.
    idp_url = f"http://127.0.0.1:{options.idp_port}"
    aside = name_aside(DEMO) if options.fresh else ""
    with (
        lasting_database(checkout, DEMO, put_aside=aside) as database,
        services((*database.holds, gate.end)) as running,
    ):
        state = demo_state(checkout, aside)
        environment = product_environment(checkout, database, DEBUG="off", DEMO="on", PUBLIC_URL=server.url)
        environment["DRAIN_SECONDS"] = "0"
        environment.setdefault("LOG_LEVEL", "WARNING")  # so that the password stays in sight
        remember_address(checkout, database, server.url)
        idp: list[str | Path] = [checkout.python, "-m", "demo.idp", "--port", str(options.idp_port)]
        idp += ["--sp-url", server.url, "--state", state]
        idp += ["--begin-again", *manage_command(checkout, *_seed_words(checkout, state, idp_url), "--begin-again")]
        running.start("The demo IdP", idp, environment, checkout.root)
        collect_static_files(checkout, environment)
        # The server loads while the database is prepared, and answers when that is done.
        running.start("gunicorn", server.command(checkout), environment, checkout.root)
        say("Preparing the database …")
        wait_for_answer(f"{idp_url}/metadata", running.check)
        with migrating(checkout):
            seeded = _seed(checkout, environment, state, idp_url)
        gate.open()
        wait_for_answer(f"http://127.0.0.1:{options.port}/healthz", running.check, f"localhost:{options.port}")
        print(_welcome(server.url, idp_url, seeded), flush=True)
        try:
            running.watch()
        except Stopped:
            say("Stopping …")
    return 0


def demo_state(checkout: Checkout, aside: str) -> Path:
    """Return the folder with the other half of the demo: its keys, its client secret, and the people in the simulated Okta.

    With `aside`, this half is put aside as the database is.
    """
    state = checkout.make_state_folder("demo")
    if aside:
        state.rename(state.with_name(aside))
        state = checkout.make_state_folder("demo")
    return state


def _seed(checkout: Checkout, environment: dict[str, str], state: Path, idp_url: str) -> str:
    """Migrate the database, make or renew the demo customer. Returns the administrator's name and password."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{idp_url}/metadata", timeout=5) as answer:
        (state / METADATA).write_bytes(answer.read())
    return manage(checkout, environment, *_seed_words(checkout, state, idp_url)).strip()


def _seed_words(checkout: Checkout, state: Path, idp_url: str) -> list[str]:
    callbacks = [f"{idp_url}/oauth/callback", "http://127.0.0.1:8002/callback"]
    files = ["--idp-metadata", str(state / METADATA), "--answer", str(demo_connection_file(checkout))]
    return ["seed_demo", *files, *(f"--redirect-uri={uri}" for uri in callbacks)]


def demo_connection_file(checkout: Checkout) -> Path:
    """The values that the simulated Okta must know: addresses, client and secret of the demo connection."""
    return checkout.state / "demo" / "connection.json"


def _welcome(url: str, idp_url: str, seeded: str) -> str:
    administrator = (
        seeded
        or "Administrator: admin, with the password that you chose (a new one: ./dev manage --demo changepassword admin)"
    )
    indented = "\n".join(f"     {line}" for line in administrator.splitlines())
    return f"""
It runs. Ctrl-C stops it.

  1. Open {idp_url}/: the demo on one page. Let a stand-in for Okta push people step by step, sign in as
     one of them, and be the IT administrator of a second customer, Globex.
  2. Or in another terminal: ./dev simulate okta-aiw --story
  3. Be the administrator at {url}/admin/
{indented}
"""
