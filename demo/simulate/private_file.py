"""Files that only their owner may read, and that appear whole or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_json(file: Path, content: Any) -> None:
    """Write ``content`` with mode 0600 (which is what mkstemp gives)."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2, ensure_ascii=False)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_json(file: Path) -> dict[str, Any]:
    """Return the object in the file; {} where there is none, or something else."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
