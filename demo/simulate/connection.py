"""Where to send, and with which credentials: the file that `./dev run` leaves."""

import json
from dataclasses import dataclass, field
from pathlib import Path

_KEYS = ("scim_base_url", "token_url", "client_id", "client_secret")


class Unusable(Exception):
    """There is nothing to work with. The message is one sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class DemoConnection:
    """What an administrator enters in Okta. Addresses are without a slash at the end."""

    scim_base_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)


def read_connection(file: Path, *, base_url: str | None = None) -> DemoConnection:
    """Return what the file says, with ``base_url`` in place of its SCIM base URL; raise `Unusable`."""
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
        raise Unusable(f"{file} does not say {', '.join(missing)}.")
    for key in ("scim_base_url", "token_url"):
        if not texts[key].startswith(("http://", "https://")):
            raise Unusable(f"The {key} {texts[key]} is not an http or https address.")
        texts[key] = texts[key].rstrip("/") if key == "scim_base_url" else texts[key]
    return DemoConnection(**texts)
