"""Where to send, and with which credentials: the file that `./dev run` leaves."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_KEYS: Final = ("scim_base_url", "token_url", "authorize_url", "client_id", "client_secret")
_ADDRESSES: Final = ("scim_base_url", "token_url", "authorize_url")


class Unusable(Exception):
    """There is nothing to work with. The message is one sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class DemoConnection:
    """The values that an administrator enters in Okta. ``scim_base_url`` has no slash at the end."""

    scim_base_url: str
    token_url: str
    authorize_url: str
    client_id: str
    client_secret: str = field(repr=False)


def read_connection(file: Path, *, base_url: str | None = None) -> DemoConnection:
    """Return the connection in the file, with ``base_url`` in place of its SCIM base URL. Raise `Unusable` if the file is faulty."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unusable(f"Start ./dev run first, and leave it running: {file} cannot be read.") from error
    except ValueError as error:
        raise Unusable(f"{file} is not JSON. Stop ./dev run, delete the file, and start ./dev run again.") from error
    values = {key: content.get(key) if isinstance(content, dict) else None for key in _KEYS}
    if base_url is not None:
        values["scim_base_url"] = base_url
    texts = {key: value for key, value in values.items() if isinstance(value, str) and value}
    missing = [key for key in _KEYS if key not in texts]
    if missing:
        raise Unusable(f"{file} does not contain {', '.join(missing)}.")
    for key in _ADDRESSES:
        if not texts[key].startswith(("http://", "https://")):
            raise Unusable(f"The {key} {texts[key]} is not an http or https address.")
    texts["scim_base_url"] = texts["scim_base_url"].rstrip("/")
    return DemoConnection(**texts)
