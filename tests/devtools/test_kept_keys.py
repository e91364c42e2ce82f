"""Keys that `./dev` makes for its servers and keeps."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from devtools.checkout import Checkout
from devtools.database import Database
from devtools.product import product_environment

KEYS = ("SECRET_KEY", "SAML_KEY_ENCRYPTION_KEYS")


def test_both_keys_are_made_once_readable_by_their_owner_and_replaced_by_configured_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    checkout, database = Checkout(tmp_path), Database("postgres://x/core")
    first, again = (product_environment(checkout, database) for _ in range(2))
    assert [first[name] for name in KEYS] == [again[name] for name in KEYS]
    Fernet(first["SAML_KEY_ENCRYPTION_KEYS"])
    kept = sorted(path for path in (tmp_path / ".dev").iterdir())
    assert [path.name for path in kept] == ["saml-key-encryption-keys", "secret-key"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)
    monkeypatch.setenv("SAML_KEY_ENCRYPTION_KEYS_FILE", "/run/secrets/saml-keys")
    assert "SAML_KEY_ENCRYPTION_KEYS" not in product_environment(checkout, database)
