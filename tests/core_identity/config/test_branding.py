"""The name, colour and logo of an installation: shown if people can read them, otherwise refused at the start."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from django.test import Client

from core_identity.config.branding import MAX_LOGO, Brand, Logo, brand, contrast

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(autouse=True)
def no_brand(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BRAND_NAME", "BRAND_COLOUR", "BRAND_COLOUR_DARK", "BRAND_LOGO"):
        monkeypatch.delenv(name, raising=False)


def set_all(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_without_settings_the_brand_is_ours() -> None:
    assert brand() == Brand("CORE", None, None)
    assert brand().style_sheet == ""


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"BRAND_NAME": " "}, "BRAND_NAME"),
        ({"BRAND_NAME": "x" * 41}, "BRAND_NAME"),
        ({"BRAND_NAME": "Acme\nSet-Cookie: x"}, "BRAND_NAME"),
        ({"BRAND_COLOUR": "#3056d3"}, "BRAND_COLOUR_DARK"),
        ({"BRAND_COLOUR": "red", "BRAND_COLOUR_DARK": "#86a5ff"}, "BRAND_COLOUR must be"),
        ({"BRAND_COLOUR": "#fff;}body{", "BRAND_COLOUR_DARK": "#86a5ff"}, "BRAND_COLOUR must be"),
        ({"BRAND_COLOUR": "#ffcc00", "BRAND_COLOUR_DARK": "#86a5ff"}, "Choose a darker colour"),
        ({"BRAND_COLOUR": "#3056d3", "BRAND_COLOUR_DARK": "#223355"}, "Choose a lighter colour"),
        ({"BRAND_LOGO": "/etc/passwd"}, "BRAND_LOGO"),
        ({"BRAND_LOGO": "/nowhere/logo.svg"}, "BRAND_LOGO: the file cannot be read"),
    ],
)
def test_a_brand_that_cannot_be_shown_stops_the_start(
    variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, **variables)
    with pytest.raises(ImproperlyConfigured, match=words):
        brand()


@pytest.mark.parametrize("size", [0, MAX_LOGO + 1])
def test_an_empty_or_a_huge_logo_stops_the_start(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(b"x" * size)
    set_all(monkeypatch, BRAND_LOGO=str(file))
    with pytest.raises(ImproperlyConfigured, match="bytes"):
        brand()


def test_the_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_pages_show_name_colour_and_logo(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "logo.svg"
    file.write_bytes(SVG)
    set_all(
        monkeypatch, BRAND_NAME="Acme <ID>", BRAND_COLOUR="#1b5e20", BRAND_COLOUR_DARK="#81c784", BRAND_LOGO=str(file)
    )
    settings.BRAND = brand()
    browser = Client(headers={"host": "localhost"})
    page = browser.get("/admin/login/").content.decode()
    assert "Acme &lt;ID&gt;" in page
    assert '<link rel="stylesheet" href="/brand.css">' in page
    assert 'src="/brand/logo"' in page
    assert browser.get("/brand.css").content.decode() == ":root { --brand: light-dark(#1b5e20, #81c784); }\n"


def test_a_script_in_a_logo_never_runs(settings: Any) -> None:
    settings.BRAND = Brand("CORE", None, Logo(SVG, "image/svg+xml"))
    answer = Client(headers={"host": "localhost"}).get("/brand/logo")
    assert (answer.content, answer["Content-Type"]) == (SVG, "image/svg+xml")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_without_a_logo_its_address_is_not_found() -> None:
    assert Client(headers={"host": "localhost"}).get("/brand/logo").status_code == 404


@pytest.mark.django_db
def test_the_icon_of_each_page_is_that_of_the_installation(settings: Any) -> None:
    """Browsers ask for /favicon.ico by themselves; a 404 would be an error in their console."""
    http = Client(headers={"host": "localhost"})
    assert http.get("/favicon.ico")["Location"] == "/static/icon.svg"
    for page in ("/sign-in", "/nowhere"):
        assert '<link rel="icon" href="/static/icon.svg">' in http.get(page).content.decode(), page
    settings.BRAND = Brand("Acme ID", None, Logo(SVG, "image/svg+xml"))
    assert http.get("/favicon.ico")["Location"] == "/brand/logo"
    for page in ("500", "503"):
        assert '<link rel="icon" href="/brand/logo">' in render_to_string(f"{page}.html", {"reference": "X"}), page
    icon = http.get("/brand/logo")
    assert (icon["Content-Type"], icon["Content-Security-Policy"]) == ("image/svg+xml", "default-src 'none'; sandbox")
