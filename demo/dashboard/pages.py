"""The start page of the demo. Every value goes through `escape`: names come from people."""

from html import escape
from typing import Final

from demo.dashboard.dashboard import View
from demo.dashboard.frame import fault, page, table, transcript
from demo.idp.parties import Parties, path_of

GLOBEX: Final = "globex"
"""The second customer, whose connection `./dev run` makes without any settings."""


def start_page(view: View, parties: Parties) -> str:
    """Return the whole page. `living_part` is the part that changes."""
    return page(
        "One person, one account: the demo on one page",
        f"""<p>This page is a stand-in for a customer's Okta. It pushes people to CORE by SCIM and signs them in by SAML. CORE runs at
<a href="{escape(parties.sp_url)}/">{escape(parties.sp_url)}</a>. Begin with the story, and watch the table change.</p>
<div id="live">{living_part(view, parties)}</div>""",
    )


def living_part(view: View, parties: Parties) -> str:
    """Return the cards of the page, with what both sides store now."""
    return f"""{fault(view.fault)}<div class="columns">
<section class="core-card"><h2>1. The story of a customer's first weeks</h2>
{_story(view)}</section>
<div class="stack"><section class="core-card"><h2>What Okta believes, and what CORE stores</h2>
{table(view.rows)}</section>
<section class="core-card"><h2>Requests and answers</h2>
{transcript(view.transcript)}</section></div>
</div>
<div class="columns thirds">
<section class="core-card"><h2>2. Sign in as one of these people</h2>
{_sign_in(parties)}</section>
<section class="core-card"><h2>3. Be Globex's IT administrator</h2>
{_globex(view, parties)}</section>
<section class="core-card"><h2>4. Be the administrator of CORE</h2>
{_administration(view, parties)}</section>
</div>"""


def _story(view: View) -> str:
    following = next((number for number, (_, done) in enumerate(view.steps) if not done), None)
    items = "\n".join(
        f'<li{" class=near" if number == following else ""}><button id="step-{number}" name="step" value="{number}"{" class=done" if done else ""}>'
        f"{'✓' if done else '▷'} {escape(title)}</button></li>"
        for number, (title, done) in enumerate(view.steps)
    )
    if not items:
        return "<p>It begins when CORE is running.</p>"
    buttons = '<button id="again" class="core-button" name="step" value="again">Begin again</button>'
    if following is not None:
        buttons = (
            f'<button id="next" class="core-button primary" name="step" value="{following}">Next step</button>'
            f'<button id="rest" class="core-button" name="step" value="rest">All other steps</button>{buttons}'
        )
    return (
        f'<form method="post" action="/story"><div class="acts">{buttons}</div>'
        '<p class="quiet"><em>Begin again</em> resets both sides: it deletes the people and groups of the demo from CORE, and '
        "Okta forgets its pushes. Globex gets a new set-up link.</p>"
        f'<ol class="story">\n{items}\n</ol></form>'
    )


def _sign_in(parties: Parties) -> str:
    return f"""<p>The sign-in starts at CORE, like a link in your application. Choose a person at Okta.
Then you see the page of this person at CORE.</p>
<div class="acts"><a class="core-button" href="{escape(parties.login_url)}" target="_blank">Sign in to CORE as somebody</a></div>
<p class="quiet"><strong>Mistakes.</strong> On Okta's page of people you can choose a mistake, such as a wrong audience or an old
certificate. CORE then refuses the sign-in, and shows what to correct in Okta.</p>
<p class="quiet"><strong>Okta's tile.</strong> Here the sign-in starts at Okta, without a request from CORE. CORE refuses this until
the connection allows it.</p>
<div class="acts"><a class="core-button" href="/tile">Open CORE from Okta's tile</a>
<a class="core-button" href="/sessions">Sign out of Okta</a></div>"""


def _globex(view: View, parties: Parties) -> str:
    another = (
        '<form action="/apps"><label for="connection">Another connection that you created in CORE</label>'
        '<input id="connection" name="connection" placeholder="its slug" autocomplete="off">'
        '<button class="core-button">Open its app in Okta</button></form>'
    )
    if not view.setup_link:
        return another
    return f"""<p>Globex is a customer whose connection is still empty. CORE's administrator sent you a set-up link.</p>
<ol><li>Open the link, and follow its steps.</li>
<li>Open Globex's app in this Okta. It has the metadata that the link asks for, and takes the token.</li></ol>
<div class="acts"><a class="core-button" href="{escape(view.setup_link)}" target="_blank">Open the set-up link</a>
<a class="core-button" href="{path_of(GLOBEX)}/" target="_blank">Globex's app in Okta</a></div>
{another}"""


def _administration(view: View, parties: Parties) -> str:
    if view.consented:
        words = "An administrator of CORE consented. Okta refreshes its token by itself."
    else:
        words = (
            "Okta uses client credentials now. A real Okta asks an administrator of CORE for consent, in the browser. "
            "Have the password ready that <code>./dev run</code> printed."
        )
    label = "Ask for consent again" if view.consented else "Ask for consent"
    return f"""<p>See the people, the two logs, conflicts and drift. The name is <code>admin</code>, and the terminal shows the password.</p>
<div class="acts"><a class="core-button" href="{escape(parties.sp_url)}/admin/" target="_blank">CORE's administration</a></div>
<p class="quiet"><strong>Okta's access.</strong> {words}</p>
<form method="post" action="/oauth/begin"><button id="consent" class="core-button">{label}</button></form>"""
