"""The pages. Every value goes through `escape`, because anybody can send the request."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from demo.design import CORE, PAGES, csp_hash, document
from demo.idp.habits import QUESTIONS, Question
from demo.idp.logout import Session
from demo.idp.parties import Parties
from demo.people import DemoPerson

_STYLE: Final = f"""{CORE}{PAGES}
main {{ max-width: 34rem; }}
ul {{ list-style: none; margin: 16px 0; padding: 0; }}
li button {{ display: block; width: 100%; margin: 0 0 8px; border-color: var(--line); background: var(--card);
  color: var(--ink); font-weight: 400; text-align: left; }}
li button:hover {{ border-color: var(--edge); filter: none; }}
li span, fieldset span {{ display: block; color: var(--muted); font-size: 13px; line-height: 20px; }}
fieldset {{ margin: 12px 0; padding: 8px 16px; border: 1px solid var(--line); border-radius: var(--radius); }}
fieldset label {{ display: block; margin: 4px 0; font-weight: 400; }}
fieldset input {{ width: auto; margin: 0 4px 0 0; }}
fieldset span {{ margin-left: 22px; }}
summary {{ cursor: pointer; }}
"""
_SUBMIT: Final = "document.forms[0].submit()"


# No form-action: what the SP redirects to after its ACS is not known here.
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src {csp_hash(_STYLE)}; script-src {csp_hash(_SUBMIT)}; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def sign_in_page(people: Iterable[DemoPerson], fields: Mapping[str, str], parties: Parties) -> str:
    """``fields`` (SAMLRequest, RelayState) come back with the choice, so that nothing has to be remembered here."""
    return _page("Demo identity provider — who are you?", _choice(people, f"{parties.path}/sso", fields))


def tile_page(people: Iterable[DemoPerson], parties: Parties) -> str:
    """Okta's dashboard: a click on the app's tile sends an assertion that nobody asked for."""
    return _page(
        "Demo identity provider — open CORE as …",
        "<p>This works like the tile on Okta's dashboard: the sign-in starts at Okta, and CORE did not request it. CORE refuses it at "
        "first, because such a sign-in looks the same as one that an attacker posts. To allow it, open CORE's administration, the "
        f"connection, <em>SAML settings</em>, and choose <em>Sign-ins may start at the IdP</em>.</p>\n{_choice(people, f'{parties.path}/tile', {})}",
    )


def _choice(people: Iterable[DemoPerson], action: str, fields: Mapping[str, str]) -> str:
    buttons = "\n".join(f"<li>{_button(person)}</li>" for person in people)
    questions = "\n".join(_fieldset(question) for question in QUESTIONS)
    return (
        f'<form method="post" action="{escape(action)}">\n{_hidden(fields)}\n'
        "<details><summary>Choose another Okta: its habits and mistakes</summary>\n"
        "<p>Change how this Okta is set up, then choose a person. CORE refuses each mistake, and shows what to "
        f"correct in Okta.</p>\n{questions}\n</details>\n"
        f"<ul>\n{buttons}\n</ul>\n</form>"
    )


def _fieldset(question: Question) -> str:
    labels = "\n".join(
        f'<label><input type="radio" name="{escape(question.name)}" value="{escape(choice.value)}"'
        f"{' checked' if choice is question.choices[0] else ''}> {escape(choice.label)}"
        f"{f' <span>{escape(choice.help)}</span>' if choice.help else ''}</label>"
        for choice in question.choices
    )
    return f"<fieldset><legend>{escape(question.label)}</legend>\n{labels}\n</fieldset>"


def sessions_page(sessions: Mapping[str, Session], parties: Parties) -> str:
    """The people whom this Okta signed in at CORE and has not signed out. A click ends a session here, and at CORE too."""
    buttons = "\n".join(
        f'<li><button type="submit" name="session" value="{escape(index)}">{escape(one.who)}</button></li>'
        for index, one in sessions.items()
    )
    if not buttons:
        return _page(
            "Demo identity provider — nobody is signed in",
            f'<p>Sign in first: <a href="{escape(parties.path)}/">to the demo</a>.</p>',
        )
    return _page(
        "Demo identity provider — sign out …",
        "<p>This signs a person out of Okta. It ends that one session at CORE, too.</p>\n"
        f'<form method="post" action="{escape(parties.path)}/leave">\n<ul>\n{buttons}\n</ul>\n</form>',
    )


def signed_out_page(parties: Parties, *, done: bool) -> str:
    result = "CORE reports that the session there has ended." if done else "CORE could not end the session there."
    return _page("You are signed out", f'<p>{result}</p>\n<p><a href="{escape(parties.path)}/">To the demo</a></p>')


def hand_over_page(title: str, url: str, fields: Mapping[str, str]) -> str:
    """The POST binding (SAML bindings 3.5): a form that sends itself."""
    return _page(
        title,
        f'<form method="post" action="{escape(url)}">\n{_hidden(fields)}\n'
        '<noscript><button type="submit">Continue</button></noscript>\n</form>\n'
        f"<script>{_SUBMIT}</script>",
    )


def refusal_page(reason: str) -> str:
    return _page("This request cannot be answered", f"<p>{escape(reason)}</p>")


def _button(person: DemoPerson) -> str:
    groups = ", ".join(person.groups) or "no groups"
    return (
        f'<button type="submit" name="person" value="{escape(person.login)}">'
        f"<strong>{escape(person.full_name)}</strong> "
        f"<span>{escape(person.email)}</span> <span>{escape(groups)}</span></button>"
    )


def _hidden(fields: Mapping[str, str]) -> str:
    inputs = (f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items())
    return "\n".join(inputs)


def _page(title: str, content: str) -> str:
    return document(title, content, style=_STYLE, header="<header><strong>The demo's Okta</strong></header>\n")
