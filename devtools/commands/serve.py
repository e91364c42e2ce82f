"""`./dev serve`."""

import argparse
from urllib.parse import urlsplit

from devtools.addresses import remember_address
from devtools.checkout import Checkout
from devtools.database import CORE, lasting_database, name_aside
from devtools.environment import ensure_environment
from devtools.faults import say
from devtools.first_administrator import ensure_first_administrator
from devtools.ports import require_free, wait_for_answer
from devtools.product import collect_static_files, migrate, product_environment
from devtools.services import services
from devtools.signals import Stopped
from devtools.web_server import DRAIN_SECONDS, THREADS, WORKERS, WebServer

SUMMARY = "serve the product with production settings and no demo data"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Migrate, then serve under gunicorn with production settings until Ctrl-C. PUBLIC_URL is the address "
        "that the browser sees (default http://localhost:PORT). With DJANGO_SUPERUSER_USERNAME, _EMAIL and "
        "_PASSWORD set, that administrator is created if missing."
    )
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default %(default)s)")
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes (default %(default)s)")
    parser.add_argument("--threads", type=int, default=THREADS, help="threads of each process (default %(default)s)")
    parser.add_argument(
        "--fresh", action="store_true", help="begin with an empty database, and put the former one aside"
    )
    parser.add_argument(
        "--bind",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="listen here instead of on localhost; may be repeated",
    )


def execute(checkout: Checkout, options: argparse.Namespace) -> int:
    server = WebServer(options.port, options.workers, options.threads, options.bind)
    if not server.binds:
        require_free(options.port, "--port")
    ensure_environment(checkout)
    aside = name_aside(CORE) if options.fresh else ""
    with lasting_database(checkout, CORE, put_aside=aside) as database:
        environment = product_environment(checkout, database, DEBUG="off", DEMO="off")
        environment.setdefault("PUBLIC_URL", server.url)
        remember_address(checkout, database, environment["PUBLIC_URL"])
        environment.setdefault("DRAIN_SECONDS", str(DRAIN_SECONDS))
        migrate(checkout, environment)
        ensure_first_administrator(checkout, environment)
        collect_static_files(checkout, environment)
        with services(database.holds) as running:
            running.start("gunicorn", server.command(checkout), environment, checkout.root)
            if not server.binds:
                host = urlsplit(environment["PUBLIC_URL"]).netloc
                wait_for_answer(f"http://127.0.0.1:{options.port}/healthz", running.check, host)
            say(f"Serving {environment['PUBLIC_URL']}. Ctrl-C stops it.")
            try:
                running.watch()
            except Stopped:
                say("Stopping …")
    return 0
