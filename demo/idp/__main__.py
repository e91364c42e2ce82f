"""`python -m demo.idp`."""

import argparse
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import FrameType

from demo.idp.server import DemoIdp
from demo.idp.signing_key import UnusableKey, load_or_make
from demo.simulate.connection import Unusable


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, which are the regular end: 0."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        server = DemoIdp(
            options.port,
            sp_url=options.sp_url,
            connection=options.connection,
            keys=load_or_make(options.state),
            connection_file=options.state / "connection.json",
            reset_core=partial(_reset_core, options.begin_again) if options.begin_again else None,
        )
    except (OSError, OverflowError, UnusableKey) as error:
        print(f"The demo IdP cannot start: {error}", file=sys.stderr)
        return 1
    with server:
        print(f"Demo IdP at {server.parties.idp_url}/ for {server.parties.sp_url}/", file=sys.stderr, flush=True)
        server.serve_forever()
    return 0


def _reset_core(command: list[str]) -> None:
    """Run the command that empties CORE of the demo's people. Raises `Unusable` with its last line if it fails."""
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if answer.returncode != 0:
        last = answer.stderr.strip().rpartition("\n")[2]
        raise Unusable(f"CORE could not begin again. {last}")


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo.idp",
        description="A SAML identity provider for development: it asks who you are, and believes the answer. "
        "It listens on 127.0.0.1 only. Its metadata is at /metadata, the demo on one page at /.",
    )
    parser.add_argument("--port", type=int, default=8001, help="default %(default)s; 0 chooses a free one")
    parser.add_argument("--sp-url", default="http://localhost:8000", help="the product (default %(default)s)")
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        help="folder for keys and certificates, and for connection.json with the addresses to push to",
    )
    parser.add_argument("--connection", default="acme", help="slug of the product's connection (default %(default)s)")
    parser.add_argument(
        "--begin-again",
        nargs=argparse.REMAINDER,
        help="the command that resets CORE for the button of this name; the last option, with all of its words",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
