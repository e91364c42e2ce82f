"""The documentation site: its navigation, and what fails the build."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from devtools.checkout import Checkout, this_checkout
from devtools.site import build

INDEX = """# Top

[Introduction](../README.md)

## How to

- [Do one thing](one.md), for example [its part](one.md#part)
- [Other](https://example.com/other.md)

## Reference

- [Another](more/two.md)
"""
PAGES = {
    "README.md": "# Introduction\n\nSee [the documentation](docs/index.md).\n",
    "docs/index.md": INDEX + "- [Introduction](../README.md)\n",
    "docs/one.md": "# One\n\n[The code](../thing.py), [a page](more/two.md#its-part).\n\n## Part\n",
    "docs/more/two.md": "# Two\n\n## Its part\n\n[Back](../one.md)\n",
    "thing.py": "answer = 42\n",
}


def site(root: Path, pages: Mapping[str, str]) -> Checkout:
    """Write a checkout with these pages, our configuration and our tools."""
    ours = this_checkout().root
    for name, text in pages.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    shutil.copy(ours / "docs/conf.py", root / "docs")
    shutil.copytree(ours / "docs/_site", root / "docs/_site", dirs_exist_ok=True)
    (root / ".venv").symlink_to(ours / ".venv")
    return Checkout(root)


def test_the_site_has_the_pages_of_the_index_with_links_to_pages_and_code(tmp_path: Path) -> None:
    status, result = build(site(tmp_path, PAGES), "html")
    assert status == 0
    index, one = (result / "docs/index.html").read_text(), (result / "docs/one.html").read_text()
    navigation = index[index.index("sidebar-tree") : index.index("</aside>")]
    for part in (
        "How to",
        "Reference",
        "Do one thing",
        'href="one.html"',
        'href="more/two.html"',
        'href="../README.html"',
    ):
        assert part in navigation
    assert 'href="more/two.html#its-part"' in one
    assert list(result.glob("_downloads/*/thing.py"))
    assert (result / "searchindex.js").is_file()
    assert "docs/index.html" in (result / "index.html").read_text()


FAULTY = {
    "docs/one.md": "# One\n\n[Gone](gone.md)\n",
    "docs/more/two.md": "# Two\n\n[Gone](../one.md#gone)\n",
    "README.md": "# Introduction\n\n![Gone](gone.png)\n",
    "CHANGELOG.md": "# Changelog\n\nNot in the index.\n",
}


def test_faulty_pages_fail_each_build_until_they_are_corrected(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkout = site(tmp_path, PAGES | FAULTY)
    for _ in range(2):
        assert build(checkout, "dummy")[0] == 1
        output = capfd.readouterr().err
        assert all(f"{tmp_path / page}" in output for page in FAULTY)
    (tmp_path / "CHANGELOG.md").unlink()
    for page in FAULTY.keys() & PAGES.keys():
        (tmp_path / page).write_text(PAGES[page])
    assert build(checkout, "dummy")[0] == 0
    (tmp_path / "docs/more/two.md").write_text("# Two\n\n## A renamed part\n")
    assert build(checkout, "dummy")[0] == 1
    assert "docs/one.md" in capfd.readouterr().err, "this page is unchanged, but its link leads nowhere"
