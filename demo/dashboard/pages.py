"""The start page of the demo. Every value goes through `escape`: names come from people."""

from dataclasses import astuple
from html import escape
from typing import Final

from demo.dashboard.dashboard import View
from demo.design import CORE, csp_hash
from demo.simulate.comparison import HEADINGS, Row

_STYLE: Final = f"""{CORE}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 15px/24px var(--sans); }}
main {{ max-width: 92rem; margin: 0 auto; padding: 24px 24px 64px; }}
h1 {{ margin: 0 0 8px; font-size: 22px; line-height: 30px; }}
h2 {{ margin: 0 0 8px; font-size: 15px; line-height: 22px; }}
p {{ margin: 0 0 12px; }}
a {{ color: var(--brand); }}
code {{ padding: 2px 6px; border-radius: 6px; background: var(--code); font: 13px/20px var(--mono); }}
.columns {{ display: grid; gap: 16px; align-items: start; }}
@media (min-width: 60rem) {{ .columns {{ grid-template-columns: 20rem minmax(0, 1fr); }} }}
.columns > * {{ display: grid; gap: 16px; min-width: 0; }}
button, .button {{ display: inline-block; padding: 6px 14px; border: 1px solid var(--line); border-radius: var(--radius-button);
  background: var(--card); color: var(--ink); font: 600 14px/21px var(--sans); text-decoration: none; cursor: pointer; }}
button:hover, .button:hover {{ border-color: var(--edge); }}
.go {{ border-color: var(--brand); background: var(--brand); color: var(--on-brand); }}
.acts {{ display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 12px; }}
ol {{ margin: 8px 0 0; padding: 0; list-style: none; }}
ol button {{ width: 100%; padding: 4px 8px; border-color: transparent; background: none; font-weight: 400; text-align: left; }}
.done {{ color: var(--fine); }}
.scroll {{ overflow-x: auto; }}
table {{ width: 100%; border-collapse: collapse; font-size: 14px; line-height: 21px; }}
th, td {{ padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }}
th {{ color: var(--muted); font-size: 13px; font-weight: 600; }}
td.differs {{ font-weight: 600; }}
.expired, .refused {{ color: var(--trouble); }}
pre {{ max-height: 26rem; margin: 0; padding: 12px; overflow: auto; border-radius: 6px; background: var(--code); font: 13px/20px var(--mono);
  white-space: pre-wrap; overflow-wrap: anywhere; }}
.quiet {{ color: var(--muted); font-size: 14px; }}
.fault {{ margin: 0 0 16px; padding: 12px 16px; border-left: 4px solid var(--trouble); border-radius: 6px; background: var(--trouble-soft); }}
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


CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src {csp_hash(_STYLE)}; script-src {csp_hash(_SCRIPT)}; connect-src 'self'; "
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
<div><section class="core-card"><h2>The story of a customer's first weeks</h2>
{_story(view)}</section>
<section class="core-card"><h2>Okta's way in</h2>
{_consent(view)}</section></div>
<div><section class="core-card"><h2>What Okta believes, and what CORE stores</h2>
{_table(view.rows)}</section>
<section class="core-card"><h2>Requests and answers</h2>
{_transcript(view)}</section></div>
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
