"""Values that strangers send as the page after the sign-in. All of them lead to the landing page."""

READ_BY_BROWSERS = (
    "https://evil.test/", "http://evil.test", "HTTPS://EVIL.TEST", "//evil.test", "///evil.test", "////evil.test", "/\\evil.test",
    "\\\\evil.test", "\\/\\/evil.test", "/\\/evil.test", "\\evil.test", "https:evil.test", "https:/evil.test", "https:///evil.test",
    "https:\\\\evil.test", "http:evil.test", "//evil.test@localhost", "https://localhost@evil.test", "https://evil.test#@localhost",
    "https://evil.test?@localhost", "/\t/evil.test", "/\n//evil.test", "\t//evil.test", " //evil.test", "/ \r\n/evil.test", "ht\ntps://evil.test",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "javascript://localhost/%0aalert(1)", "data:text/html,x",
    "/..//evil.test", "/./\\evil.test", "/.//evil.test", "/me/..//evil.test", "/\u2028/evil.test", "/me\r\nSet-Cookie: a=b", "/\x00evil",
)  # fmt: skip
"""A browser drops, turns or resolves something in each before it looks for a host."""

SECOND_SIGN_INS = (
    ("/%2e/sso/acme/login", "/sso/acme/login"), ("/%2E/sso/acme/login", "/sso/acme/login"), ("/./sso/acme/login", "/sso/acme/login"),
    ("/x/%2e%2e/sso/acme/login", "/sso/acme/login"), ("/x/%2E%2e/sso/acme/login", "/sso/acme/login"), ("/x/.%2e/sso/acme/login", "/sso/acme/login"),
    ("/x/%2e./sso/acme/login", "/sso/acme/login"), ("/x/../sso/acme/login", "/sso/acme/login"), ("/x\\..\\sso\\acme\\login", "/sso/acme/login"),
    ("/\\%2e/sso/acme/login", None), ("/%2e%2e/sso/acme/login", "/sso/acme/login"), ("/%2e/%2e/x/%2e%2e/sso/acme/login", "/sso/acme/login"),
    ("/s\tso/acme/login", "/sso/acme/login"), ("/\n%2e/sso/acme/login", "/sso/acme/login"), ("/x/%2e\r%2e/sso/acme/login", "/sso/acme/login"),
    ("/x;y/%2e%2e/sso/acme/login", "/sso/acme/login"), ("/%2e/sso/acme/login#me", "/sso/acme/login"), ("/%2e/sso/acme/login?a=b", "/sso/acme/login"),
    ("/%2e/%73so/acme/login", "/%73so/acme/login"), ("/%2e//sso/acme/login", "//sso/acme/login"), ("//sso/acme/login", None),
    ("/x%2f%2e%2e%2fsso/acme/login", "/x%2f%2e%2e%2fsso/acme/login"), ("/%2fsso/acme/login", "/%2fsso/acme/login"),
    ("/x/%252e%252e/sso/acme/login", "/x/%252e%252e/sso/acme/login"), ("/%5csso/acme/login", "/%5csso/acme/login"),
    ("/%2e%2fsso/acme/login", "/%2e%2fsso/acme/login"), ("/sso;a=b/acme/login", "/sso;a=b/acme/login"),
)  # fmt: skip
"""Ways to write the page that begins a sign-in, and the path that a browser asks for (WHATWG URL, 4.4); None where it asks another host.

A browser asks for the last ones as they are written. A proxy in front of Django may decode and resolve them.
"""

HOSTILE = (
    *READ_BY_BROWSERS,
    "vbscript:x", "blob:https://evil.test/1", "file:///etc/passwd", "ftp://evil.test/", "mailto:eve@evil.test", "view-source:https://evil.test",
    "evil.test", "@evil.test", ".evil.test", "./evil.test", "../evil.test", "?next=https://evil.test", "#//evil.test", ";//evil.test",
    "%2f%2fevil.test", "/me//evil.test", "/../evil.test",
    "\u2215\u2215evil.test", "\uff0f\uff0fevil.test", "https\uff1a//evil.test", "\u3002evil.test", "//evil\u3002test", "https://\u24d4vil.test",
    "\u2028//evil.test", "/me\u202e", "/me\u200b", "\ufeff//evil.test", "/me\x7f",
    "/me\r\n\r\n<script>alert(1)</script>", "/%09/evil.test/..//evil.test\r\nX: y", "//localhost:1/", "http://localhost:1/", "http://[::1]/",
    "http://2130706433/", "/" + "x" * 3000, " ", "\ud7ff\x85",
    "/sso/acme/login", "/%73so/acme/login", "/sso/acme/login?next=/me", "/sso/acme/logout", "/sso/acme/acs", "/sso/",
    *(spelling for spelling, _ in SECOND_SIGN_INS),
    "/sso", "/sso?x", "/sso#x", "/sso;x/acme/login", "/SSO/acme/login", "/sso%20/acme/login", "/%2573so/acme/login", "/%252e/sso/acme/login",
    "/me%3f/../../sso/acme/login", "/me%23/%2e%2e/sso/acme/login", "/me%2f..%2fsso/acme/login", "/%2fevil.test", "/%5cevil.test", "/me%00",
    "/me%0d%0aX: y",
    "/%e2%80%a8/evil.test", "/%09/evil.test", "/me/.. ", "/me ", "/%2e", "/%2E%2e/",
)  # fmt: skip
