"""The parts that both pages of the dashboard share: style, script, policy, the table of both sides and the transcript."""

from collections.abc import Iterable
from html import escape
from typing import Final

from demo.design import CORE, csp_hash, document
from demo.simulate.comparison import Row

_STYLE: Final = f"""{CORE}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 15px/24px var(--sans); }}
main {{ max-width: 92rem; margin: 0 auto; padding: 24px 24px 64px; }}
h1 {{ margin: 0 0 8px; font-size: 22px; line-height: 30px; }}
p {{ margin: 0 0 12px; overflow-wrap: anywhere; }}
a {{ color: var(--brand); }}
code {{ padding: 2px 6px; border-radius: 6px; background: var(--code); font: 13px/20px var(--mono); overflow-wrap: anywhere; }}
label {{ display: block; font-weight: 600; font-size: 14px; }}
input {{ width: 100%; margin: 4px 0 8px; padding: 6px 10px; border: 1px solid var(--edge); border-radius: var(--radius-button);
  background: var(--card); color: var(--ink); font: inherit; }}
.columns {{ display: grid; gap: 16px; align-items: start; margin: 0 0 16px; }}
@media (min-width: 60rem) {{ .columns {{ grid-template-columns: 20rem minmax(0, 1fr); }}
  .thirds {{ grid-template-columns: repeat(3, minmax(0, 1fr)); }} }}
.columns > * {{ min-width: 0; }}
.stack {{ display: grid; gap: 16px; }}
.acts {{ display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 12px; }}
ol {{ margin: 8px 0 12px; padding: 0 0 0 20px; }}
.story {{ padding: 0; list-style: none; }}
.story button {{ width: 100%; padding: 4px 8px; border: 1px solid transparent; border-radius: var(--radius-button); background: none;
  color: var(--ink); font: 14px/20px var(--sans); text-align: left; cursor: pointer; }}
.story button:hover {{ border-color: var(--edge); }}
.story .done {{ color: var(--fine); }}
.core-table.sides :is(th, td) {{ padding: 6px 12px 6px 0; }}
@media (max-width: 480px) {{
  .story li:not(.near), .sides td.none {{ display: none; }}
  .core-table.sides :is(th, td) {{ padding: 2px 0; }}
  main {{ padding: 16px 16px 32px; }}
}}
.expired, .refused {{ color: var(--trouble); }}
pre {{ max-height: 26rem; margin: 0; padding: 12px; overflow: auto; border-radius: 6px; background: var(--code); font: 13px/20px var(--mono);
  white-space: pre-wrap; overflow-wrap: anywhere; }}
.quiet {{ color: var(--muted); font-size: 14px; line-height: 21px; }}
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
if (live) look();
"""

COLUMNS: Final = ("Person", "Okta", "CORE", "Groups in CORE")
_LEGEND: Final = (
    '<p class="quiet"><strong>Bold</strong>: the person has another userName in Okta now. CORE keeps the username that its other '
    'applications know. <span class="expired">expired</span>: the person may not sign in. <span class="refused">refused</span>: '
    "CORE did not accept the last push; the reason is in the list of requests.</p>"
)

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src {csp_hash(_STYLE)}; script-src {csp_hash(_SCRIPT)}; connect-src 'self'; "
    # No form-action: the consent form leads to CORE, which redirects to other addresses.
    "base-uri 'none'; frame-ancestors 'none'"
)


def page(title: str, content: str) -> str:
    """Return a whole page. ``content`` is HTML."""
    return document(title, content, style=_STYLE, end=f"<script>{_SCRIPT}</script>\n")


def fault(sentence: str) -> str:
    return f'<div class="core-banner trouble"><p>{escape(sentence)}</p></div>' if sentence else ""


def table(rows: Iterable[Row]) -> str:
    """Return what Okta believes beside what CORE stores, with the meaning of its marks."""
    body = "\n".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    if not body:
        return '<p class="quiet">Nobody yet.</p>'
    head = "".join(f'<th scope="col">{text}</th>' for text in COLUMNS)
    return f'<table class="core-table core-fold sides"><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>\n{_LEGEND}'


def _cells(row: Row) -> str:
    """Return one cell for each side: a name with its state below, and the email only where it differs from the username."""
    renamed = bool(row.okta_login and row.core_username) and row.okta_login != row.core_username
    email = row.core_email if row.core_email != row.core_username else ""
    cells = (
        _cell(row.name),
        _cell(row.okta_login, _state(row.okta_state, trouble="refused")),
        _cell(row.core_username, _state(row.core_state, trouble="expired"), escape(email), is_strong=renamed),
        _cell(row.core_groups),
    )
    return "".join(
        f'<td data-label="{label}"{"" if cell else " class=none"}><span>{cell or "—"}</span></td>'
        for label, cell in zip(COLUMNS, cells, strict=True)
    )


def _cell(value: str, *below: str, is_strong: bool = False) -> str:
    shown = f"<strong>{escape(value)}</strong>" if is_strong else escape(value)
    return shown + "".join(f" <small>{one}</small>" for one in below if one)


def _state(state: str, *, trouble: str) -> str:
    return f'<span class="{trouble}">{state}</span>' if state == trouble else escape(state)


def transcript(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    if not text:
        return '<p class="quiet">Nothing yet. Each request appears here with its answer and the decision.</p>'
    return f'<pre id="log" tabindex="0" aria-label="Requests and answers">{escape(text)}</pre>'
