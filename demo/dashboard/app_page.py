"""The page of one app in this Okta: what a customer's IT administrator needs while they set up their connection."""

from html import escape

from demo.dashboard.customer_app import AppView
from demo.dashboard.frame import fault, page, table, transcript
from demo.idp.parties import Parties


def app_page(view: AppView, parties: Parties) -> str:
    """Return the page of an app for a connection that somebody made by hand."""
    name = parties.connection.capitalize()
    return page(
        f"{name}'s app in Okta",
        f"""<p>You are {escape(name)}'s IT administrator. Work with CORE's set-up page beside this one. <a href="/">Back to the demo</a></p>
{fault(view.fault)}<div class="columns">
<div class="stack"><section class="core-card"><h2>Single sign-on</h2>
{_single_sign_on(parties)}</section>
<section class="core-card"><h2>Provisioning</h2>
{_provisioning(view, parties)}</section></div>
<div class="stack"><section class="core-card"><h2>What Okta believes, and what CORE stores</h2>
{table(view.rows)}</section>
<section class="core-card"><h2>Requests and answers</h2>
{transcript(view.transcript)}</section></div>
</div>""",
    )


def _single_sign_on(parties: Parties) -> str:
    return f"""<p>This Okta fills in CORE's addresses and the attribute statements by itself. CORE needs the metadata of this app.</p>
<div class="acts"><a class="core-button" href="{escape(parties.path)}/metadata" download="{escape(parties.connection)}-metadata.xml">Download
the metadata</a></div>
<p class="quiet">Or give its address: <code>{escape(parties.idp_entity_id)}</code></p>
<div class="acts"><a class="core-button" href="{escape(parties.login_url)}" target="_blank">Sign in to CORE</a>
<a class="core-button" href="{escape(parties.path)}/tile">Open Okta's tile</a>
<a class="core-button" href="{escape(parties.path)}/sessions">Sign out of Okta</a></div>"""


def _provisioning(view: AppView, parties: Parties) -> str:
    path = escape(parties.path)
    push = (
        f'<form method="post" action="{path}/push"><button class="core-button">Push everybody and the groups</button></form>'
        if view.has_token
        else '<p class="quiet">After the test you can push ten people and three groups.</p>'
    )
    return f"""<form method="post" action="{path}/test">
<p class="quiet">Base URL: <code>{escape(parties.sp_url)}/scim/{escape(parties.connection)}/v2</code></p>
<label for="token">API token</label>
<input id="token" name="token" type="password" autocomplete="off" required>
<p class="quiet">This Okta takes a token and not OAuth. On the set-up page, in the step <em>Switch on provisioning</em>, create the one for
<em>Entra and others</em>. CORE shows it once.</p>
<div class="acts"><button class="core-button">Test the connection</button></div></form>
{push}"""
