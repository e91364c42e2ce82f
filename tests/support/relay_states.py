"""What strangers write where a page to go on to is asked for, none of which leads anywhere but to the landing page."""

READ_BY_BROWSERS = (
    "https://evil.test/", "http://evil.test", "HTTPS://EVIL.TEST", "//evil.test", "///evil.test", "////evil.test", "/\\evil.test",
    "\\\\evil.test", "\\/\\/evil.test", "/\\/evil.test", "\\evil.test", "https:evil.test", "https:/evil.test", "https:///evil.test",
    "https:\\\\evil.test", "http:evil.test", "//evil.test@localhost", "https://localhost@evil.test", "https://evil.test#@localhost",
    "https://evil.test?@localhost", "/\t/evil.test", "/\n//evil.test", "\t//evil.test", " //evil.test", "/ \r\n/evil.test", "ht\ntps://evil.test",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "javascript://localhost/%0aalert(1)", "data:text/html,x",
    "/..//evil.test", "/./\\evil.test", "/.//evil.test", "/me/..//evil.test", "/\u2028/evil.test", "/me\r\nSet-Cookie: a=b", "/\x00evil",
)  # fmt: skip
"""A browser drops, turns or resolves something in each before it looks for a host."""

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
)  # fmt: skip
