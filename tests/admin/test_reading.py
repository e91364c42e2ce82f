"""The checker of the words of pages finds each fault, and none in a good page."""

import pytest

from tests.support.reading import faults_of

GOOD = """
<title>no_mark</title><script>a_code = 1</script><style>.a_b {}</style><template>a_b</template>
<a class="core-button primary" href="/add/">Add a role</a> <a class="core-button">Cancel</a>
<p>Refused by SSO, twice. <code>no_mark</code> <span class="core-code">no_mark</span> <br> See <time>2026-11-30 10:00</time>, 3 hours ago.</p>
<p>Write to no_mark@acme.test, or open acme.test/a_b. It ended on 3 Nov 2026.</p> <textarea>a_b</textarea> <pre>a_b</pre>
<img src="/static/icon-addlink.svg">
"""


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a class="core-button primary" href="/a/">A</a><input class="default" value="Save">', "2 main buttons: "),
        ('<a class="addlink" href="/a/">A</a><a class="core-button primary" href="/b/">B</a>', "2 main buttons: "),
        ('<p><img src="/static/admin/img/icon-yes.svg"></p>', "an icon instead of a word: "),
        ("<td>no_mark</td>", "a code: no_mark in "),
        ("<code>fine_here</code><p>The IdP sent no_mark.</p>", "a code: no_mark in "),
        ('<span class="core-code">fine_here</span><td>no_mark</td>', "a code: no_mark in "),
        ("<p>Refused, refused again</p>", "said twice: 'Refused, refused' in "),
        ("<p>Changed by SCIM, SCIM</p>", "said twice: 'by SCIM, SCIM' in "),
        ("<td>2026-11-30 10:00</td>", "not a relative time: '2026-11-30 10:00' in "),
        ("<td>Nov. 30, 2026, noon</td>", "not a relative time: 'Nov. 30, 2026, ' in "),
        ("<td>3 hours, 5 minutes ago</td>", "not a relative time: '3 hours, 5 ' in "),
    ],
)
def test_each_fault_is_found(html: str, fault: str) -> None:
    (found,) = faults_of(html)
    assert found.startswith(fault)


def test_a_good_page_has_no_faults() -> None:
    assert list(faults_of(GOOD)) == []
