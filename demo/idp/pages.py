"""What the browser shows. Every value goes through `escape`: the request is a stranger's."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from demo.people import DemoPerson

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 10vh auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; }
ul { list-style: none; padding: 0; }
button { font: inherit; cursor: pointer; padding: .6rem 1rem; }
li button { display: block; width: 100%; margin: .5rem 0; text-align: left; }
li span { display: block; font-size: .875rem; }
"""
_SUBMIT: Final = "document.forms[0].submit()"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# No form-action: what the SP redirects to after its ACS is not known here.
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SUBMIT)}; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def welcome_page(sp_url: str) -> str:
    return _page(
        "Demo identity provider",
        "<p>This stands in for Okta while you develop. It asks for no password, and knows a few people who do not exist.</p>"
        f'<p>Sign-in starts at the product: <a href="{escape(sp_url)}/">{escape(sp_url)}/</a></p>',
    )


def sign_in_page(people: Iterable[DemoPerson], fields: Mapping[str, str]) -> str:
    """``fields`` (SAMLRequest, RelayState) come back with the choice, so that nothing has to be remembered here."""
    buttons = "\n".join(f"<li>{_button(person)}</li>" for person in people)
    return _page(
        "Demo identity provider — who are you?",
        f'<form method="post" action="/sso">\n{_hidden(fields)}\n<ul>\n{buttons}\n</ul>\n</form>',
    )


def hand_over_page(acs_url: str, fields: Mapping[str, str]) -> str:
    """The POST binding (SAML bindings 3.5): a form that sends itself."""
    return _page(
        "Signing you in …",
        f'<form method="post" action="{escape(acs_url)}">\n{_hidden(fields)}\n'
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
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{content}
</main>
</body>
</html>
"""
