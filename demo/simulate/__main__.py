"""`python -m demo.simulate`."""

import argparse
import os
import sys
from pathlib import Path

from demo.people import GROUPS, PEOPLE, person_called
from demo.simulate.connection import Unusable, read_connection
from demo.simulate.okta_aiw import OktaAiw
from demo.simulate.scim_client import ScimClient
from demo.simulate.steps import Step, carry_out, deactivate, push_everything, reactivate, unlink_group
from demo.simulate.transcript import Transcript


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when all was taken, 1 when something was refused or could not be sent."""
    options = _parser().parse_args(arguments)
    transcript = Transcript(verbose=options.verbose)
    try:
        client = ScimClient(read_connection(options.connection_file, base_url=options.base_url), transcript)
        client.fetch_token()
        steps = _steps(OktaAiw(client, transcript), options)
        return 0 if carry_out(steps, transcript) else 1
    except Unusable as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _steps(okta: OktaAiw, options: argparse.Namespace) -> list[Step]:
    if options.unlink:
        return [unlink_group(okta, options.unlink)]
    if leaver := person_called(options.deactivate):
        return [deactivate(okta, leaver)]
    if returner := person_called(options.reactivate):
        return [reactivate(okta, returner)]
    return push_everything(okta)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo.simulate", description="Send the SCIM requests of an IdP to a running product."
    )
    okta = parser.add_subparsers(required=True, metavar="IDP").add_parser(
        "okta-aiw",
        help="an Okta app made in the App Integration Wizard",
        description="Do what an Okta app made in the App Integration Wizard does. Without an option: test the "
        "connection, then push all people and groups; a second run finds them and updates them. Everybody who is "
        "pushed is active, so this brings back whoever was deactivated.",
        epilog=f"People: {', '.join(person.login for person in PEOPLE)}. Groups: {', '.join(GROUPS)}. "
        "Exit status: 0 when all was taken, 1 when something was refused or nobody answered.",
    )
    act = okta.add_mutually_exclusive_group()
    logins = [person.login for person in PEOPLE]
    act.add_argument(
        "--deactivate", metavar="LOGIN", default="", choices=logins, help="only unassign this person (active false)"
    )
    act.add_argument(
        "--reactivate", metavar="LOGIN", default="", choices=logins, help="only assign this person (active true)"
    )
    act.add_argument("--unlink", metavar="GROUP", choices=GROUPS, help="only unlink this group and delete it there")
    okta.add_argument("--verbose", action="store_true", help="show the JSON of requests and answers")
    okta.add_argument("--base-url", metavar="URL", help="SCIM base URL, in place of the connection file's")
    okta.add_argument(
        "--connection-file",
        metavar="PATH",
        type=Path,
        default=os.environ.get("DEMO_CONNECTION", ".dev/demo/connection.json"),
        help="what ./dev run wrote: addresses, client and secret (default: $DEMO_CONNECTION, now %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
