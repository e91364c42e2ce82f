"""What the person at the terminal sees. Never a token, and a password as dots."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

HIDDEN: Final = "••••••••"


@dataclass(frozen=True, slots=True)
class Transcript:
    """``verbose`` adds the JSON of both sides."""

    verbose: bool = False

    def say(self, sentence: str = "") -> None:
        print(sentence, flush=True)

    def heading(self, number: int, total: int, title: str) -> None:
        self.say(f"\n[{number}/{total}] {title}")

    def exchange(self, method: str, path: str, about: str, answer: str) -> None:
        """One request and its answer; ``about`` says whom it concerns where the path does not."""
        self.say(f"  {method} {unquote(path)}{f'  {about}' if about else ''} → {answer}")

    def reason(self, sentence: str) -> None:
        self.say(f"      {sentence}")

    def document(self, label: str, document: Mapping[str, Any] | None) -> None:
        if self.verbose and document:
            shown = {key: HIDDEN if key == "password" else value for key, value in document.items()}
            text = json.dumps(shown, indent=2, ensure_ascii=False)
            self.say("\n".join(f"      {label} {line}" for line in text.splitlines()))
