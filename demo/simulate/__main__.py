"""`python -m demo.simulate`."""

import argparse
import os
import sys
from pathlib import Path

from demo.people import GROUPS, PEOPLE
from demo.simulate import steps
from demo.simulate.comparison import compare, table
from demo.simulate.connection import DemoConnection, Unusable, read_connection
from demo.simulate.consent import authorize
from demo.simulate.directory import open_directory
from demo.simulate.entra import Entra
from demo.simulate.okta import OktaAiw, OktaOin
from demo.simulate.scim_client import Refused, ScimClient
from demo.simulate.tokens import Tokens
from demo.simulate.transcript import Transcript

DIALECTS: dict[str, type[OktaAiw]] = {"okta-aiw": OktaAiw, "okta-oin": OktaOin, "entra": Entra}


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when all was taken, 1 when something was refused or could not be sent."""
    options = _parser().parse_args(arguments)
    transcript = Transcript(verbose=options.verbose)
    try:
        connection = read_connection(options.connection_file, base_url=options.base_url)
        tokens = _tokens(connection, transcript, options)
        dialect = DIALECTS[options.dialect]
        client = ScimClient(connection.scim_base_url, tokens, transcript, dialect.user_agent)
        state = options.connection_file.with_name(f"{dialect.name.lower()}.json")
        with open_directory(state, connection.scim_base_url) as directory:
            idp = dialect(client, directory)
            all_taken = steps.carry_out(_steps(idp, options), transcript)
            if options.story:
                _show_comparison(idp, connection, tokens)
        return 0 if all_taken else 1
    except Unusable as error:
        transcript.done()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        transcript.done()
        return 130


def _tokens(connection: DemoConnection, transcript: Transcript, options: argparse.Namespace) -> Tokens:
    tokens = Tokens(connection, transcript, options.connection_file.with_name("tokens.json"))
    if options.authorize:
        authorize(connection, tokens, transcript, port=options.callback_port)
    if options.lose_answer:
        if not tokens.consented:
            raise Unusable("There is no refresh token yet: --authorize gets one.")
        tokens.renew(losing_the_first_answer=True)
    return tokens


def _steps(idp: OktaAiw, options: argparse.Namespace) -> list[steps.Step]:
    directory = idp.directory
    if options.story:
        directory.reset()
        return steps.entra_story(idp) if isinstance(idp, Entra) else steps.story(idp)
    if isinstance(idp, Entra) and options.delete:
        return [steps.delete(idp, directory.people[_okta_id(options.delete)])]
    if options.unlink:
        return [steps.unlink_group(idp, next(one for one in directory.groups.values() if one.was == options.unlink))]
    if options.deactivate:
        return [steps.deactivate(idp, directory.people[_okta_id(options.deactivate)])]
    if options.reactivate:
        return [steps.reactivate(idp, directory.people[_okta_id(options.reactivate)])]
    return steps.push_everything(idp)


def _okta_id(login: str) -> str:
    return next(person.okta_id for person in PEOPLE if person.login == login)


def _show_comparison(idp: OktaAiw, connection: DemoConnection, tokens: Tokens) -> None:
    quiet = ScimClient(connection.scim_base_url, tokens, Transcript(write=lambda _: None))
    try:
        rows = compare(idp.directory, quiet)
    except Refused as refusal:
        raise Unusable(f"The people and groups of CORE could not be read: {refusal}") from refusal
    print(f"\nWhat {idp.name} believes, and what CORE stores\n\n{table(rows, idp.name)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev simulate", description="Send the SCIM requests of an IdP to a running product."
    )
    dialects = parser.add_subparsers(required=True, metavar="IDP", dest="dialect")
    _add_dialect(dialects, "okta-aiw", "an Okta app created in the App Integration Wizard: whole resources by PUT")
    _add_dialect(dialects, "okta-oin", "an app of Okta's catalogue: changes by PATCH")
    act = _add_dialect(
        dialects, "entra", "Microsoft Entra ID, with changes by PATCH in its own forms and deletion in two steps,"
    )
    logins = [person.login for person in PEOPLE]
    act.add_argument("--delete", metavar="LOGIN", default="", choices=logins, help="only delete this person for good")
    return parser


def _add_dialect(
    dialects: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str
) -> "argparse._MutuallyExclusiveGroup":
    """Add the command of an IdP; return the group of its acts, of which one can be chosen."""
    logins = [person.login for person in PEOPLE]
    okta = dialects.add_parser(
        name,
        help=what.rstrip(","),
        description=f"Do what {what} does. Without an option: test the connection, then push all people and groups; a "
        "second run finds them and updates them. Everybody who is pushed is active, so the IdP also reactivates people who "
        "were deactivated. Each request is shown with its answer and the decision.",
        epilog=f"People: {', '.join(logins)}. Groups: {', '.join(GROUPS)}. "
        "Exit status: 0 if everything was accepted, 1 if something was refused or nobody answered.",
    )
    act = okta.add_mutually_exclusive_group()
    act.add_argument(
        "--story",
        action="store_true",
        help="hire ten people, rename one, deactivate and reactivate one, push three groups, rename and unlink one; "
        "then show what the IdP believes and what CORE stores",
    )
    act.add_argument(
        "--deactivate", metavar="LOGIN", default="", choices=logins, help="only unassign this person (active false)"
    )
    act.add_argument(
        "--reactivate", metavar="LOGIN", default="", choices=logins, help="only assign this person (active true)"
    )
    act.add_argument("--unlink", metavar="GROUP", choices=GROUPS, help="only unlink this group and delete it there")
    okta.add_argument(
        "--authorize",
        action="store_true",
        help="first let an administrator consent in a browser, as Okta does; later runs use these tokens",
    )
    okta.add_argument(
        "--callback-port",
        metavar="PORT",
        type=int,
        default=8002,
        help="the address to which the browser returns, at http://127.0.0.1:PORT/callback (default %(default)s)",
    )
    okta.add_argument(
        "--lose-answer", action="store_true", help="first refresh the token twice, as if the first answer was lost"
    )
    okta.add_argument("--verbose", action="store_true", help="show the JSON of requests and answers")
    okta.add_argument("--base-url", metavar="URL", help="SCIM base URL, in place of the connection file's")
    okta.add_argument(
        "--connection-file",
        metavar="PATH",
        type=Path,
        default=os.environ.get("DEMO_CONNECTION", ".dev/demo/connection.json"),
        help="addresses, client and secret, as `connection apply --json` answers them; the memory is kept beside "
        "it (default: $DEMO_CONNECTION, now %(default)s)",
    )
    return act


if __name__ == "__main__":
    sys.exit(main())
