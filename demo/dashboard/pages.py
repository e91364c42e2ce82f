"""The start page of the demo. Every value goes through `escape`: names come from people."""

import base64
import hashlib
from dataclasses import astuple
from html import escape
from typing import Final

from demo.dashboard.dashboard import View
from demo.simulate.comparison import HEADINGS, Row

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; --line: #8884; --good: #18794e; --bad: #c62a2f; }
@media (prefers-color-scheme: dark) { :root { --good: #4cc38a; --bad: #ff8b8b; } }
body { margin: 0; }
main { max-width: 92rem; margin: 2rem auto; padding: 0 1rem 4rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
.columns { display: grid; gap: 0 1.5rem; }
@media (min-width: 60rem) { .columns { grid-template-columns: 16rem 1fr; } }
.columns > * { min-width: 0; }
button, .button { font: inherit; cursor: pointer; padding: .35rem .8rem; border: 1px solid var(--line); border-radius: .4rem;
  background: Canvas; color: CanvasText; text-decoration: none; display: inline-block; }
button:hover, .button:hover { border-color: currentcolor; }
.go { background: #1f5eff; color: #fff; border-color: #1f5eff; }
.acts { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0; }
ol { padding: 0; list-style: none; margin: .5rem 0; }
ol button { width: 100%; text-align: left; border-color: transparent; padding: .1rem .5rem; }
.done { color: var(--good); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.differs { font-weight: 600; }
.expired, .refused { color: var(--bad); }
pre { font-size: .8rem; line-height: 1.4; max-height: 26rem; overflow: auto; border: 1px solid var(--line);
  border-radius: .4rem; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.quiet { opacity: .75; }
.fault { border-left: .3rem solid var(--bad); padding-left: .8rem; }
"""

_SCRIPT: Final = """
const live = document.getElementById("live");
let shown = "";
async function look() {
  try {
    const answer = await fetch("/live");
    const text = await answer.text();
    if (answer.ok && text !== shown) {
      const focused = document.activeElement && document.activeElement.id;
      shown = text;
      live.innerHTML = text;
      const log = document.getElementById("log");
      if (log) log.scrollTop = log.scrollHeight;
      if (focused) document.getElementById(focused)?.focus();
    }
  } catch {}
  setTimeout(look, 1500);
}
look();
"""


_LEGEND: Final = (
    "<p><strong>Bold</strong>: the person has another userName in Okta now. CORE keeps the username that its other "
    'applications know. <span class="expired">expired</span>: the person may not sign in. <span class="refused">refused</span>: '
    "CORE did not accept the last push; the reason is below.</p>"
)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; connect-src 'self'; "
    # No form-action: the consent goes on to CORE's address, and from there wherever it sends.
    "base-uri 'none'; frame-ancestors 'none'"
)


def start_page(view: View, *, sp_url: str, login_url: str) -> str:
    """The whole page; the part that changes is also to be had alone: `living_part`."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Core Identity — the demo on one page</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>The demo on one page</h1>
<p>This is a stand-in for a customer's Okta. It signs people in by SAML and pushes them by SCIM to CORE, which runs at
<a href="{escape(sp_url)}/">{escape(sp_url)}</a>. One human is one user there, whichever channel comes first.</p>
<div class="acts">
<a class="button go" href="{escape(login_url)}" target="_blank">Sign in to CORE as somebody</a>
<a class="button" href="/tile">Open CORE from Okta's tile</a>
<a class="button" href="/sessions">Sign out of Okta</a>
<a class="button" href="{escape(sp_url)}/admin/" target="_blank">CORE's administration</a>
</div>
<p class="quiet"><em>Sign in</em> starts at CORE, as a link in your application does. On the page of people you can also choose a mistake in
Okta's settings, and see how CORE explains it. <em>Okta's tile</em> starts at Okta, without a request from CORE. CORE refuses this
until the connection allows it.</p>
<div id="live">{living_part(view)}</div>
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def living_part(view: View) -> str:
    fault = f'<p class="fault">{escape(view.fault)}</p>' if view.fault else ""
    return f"""{fault}<div class="columns">
<section><h2>The story of a customer's first weeks</h2>
{_story(view)}
<h2>Okta's way in</h2>
{_consent(view)}</section>
<section><h2>What Okta believes, and what CORE stores</h2>
{_table(view.rows)}
<h2>Requests and answers</h2>
{_transcript(view)}</section>
</div>"""


def _story(view: View) -> str:
    items = "\n".join(
        f'<li><button id="step-{number}" name="step" value="{number}"{" class=done" if done else ""}>'
        f"{'✓' if done else '▷'} {escape(title)}</button></li>"
        for number, (title, done) in enumerate(view.steps)
    )
    if not items:
        return "<p>It begins when CORE is running.</p>"
    following = next((number for number, (_, done) in enumerate(view.steps) if not done), None)
    buttons = (
        '<button id="again" name="step" value="again" title="Empties CORE and Okta of the demo">Begin again</button>'
    )
    if following is not None:
        buttons = (
            f'<button id="next" class="go" name="step" value="{following}">Next step</button>'
            f'<button id="rest" name="step" value="rest">All other steps</button>{buttons}'
        )
    return (
        f'<form method="post" action="/story"><div class="acts">{buttons}</div>'
        '<p class="quiet"><em>Begin again</em> deletes the people and groups of the demo from CORE, and resets Okta.</p>'
        f"<ol>\n{items}\n</ol></form>"
    )


def _consent(view: View) -> str:
    if view.consented:
        words = "An administrator of CORE consented; Okta refreshes its token by itself."
    else:
        words = (
            "By client credentials until now. Okta itself asks an administrator of CORE for consent, in the browser: "
            "have the password at hand that <code>./dev run</code> printed."
        )
    label = "Ask for consent again" if view.consented else "Ask for consent"
    return f'<p>{words}</p><form method="post" action="/oauth/begin"><button id="consent">{label}</button></form>'


def _table(rows: tuple[Row, ...]) -> str:
    if not rows:
        return '<p class="quiet">Nobody yet.</p>'
    head = "".join(f"<th>{escape(text)}</th>" for text in astuple(HEADINGS))
    body = "\n".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>\n{_LEGEND}'


def _cells(row: Row) -> str:
    renamed = bool(row.okta_login and row.core_username) and row.okta_login != row.core_username
    marks = {
        "core_username": "differs" if renamed else "",
        "core_state": "expired" if row.core_state == "expired" else "",
        "okta_state": "refused" if row.okta_state == "refused" else "",
    }
    cells = []
    for name in Row.__slots__:
        mark = marks.get(name)
        cells.append(f"<td{f' class={mark}' if mark else ''}>{escape(getattr(row, name)) or '—'}</td>")
    return "".join(cells)


def _transcript(view: View) -> str:
    if not view.transcript:
        return '<p class="quiet">Nothing yet. Each request appears here with its answer and the decision.</p>'
    return f'<pre id="log" tabindex="0">{escape(chr(10).join(view.transcript))}</pre>'
