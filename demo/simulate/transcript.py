"""The output at the terminal. It never contains a token, and shows a password as dots."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, TextIO
from urllib.parse import unquote

HIDDEN: Final = "••••••••"
BAR_CELLS: Final = 30


def _print(line: str) -> None:
    print(line, flush=True)


class Transcript:
    """``verbose`` adds the JSON of both sides; ``write`` takes one line. On a terminal, the bar is below the last line."""

    def __init__(
        self, *, verbose: bool = False, write: Callable[[str], None] = _print, bar: TextIO | None = None
    ) -> None:
        self._verbose = verbose
        self._write = write
        stream = sys.stderr if bar is None else bar
        self._bar_stream = stream if stream.isatty() else None
        self._bar = ""

    def say(self, text: str = "") -> None:
        self._clear()
        self._write(text)
        self._draw()

    def heading(self, number: int, total: int, title: str) -> None:
        done = BAR_CELLS * (number - 1) // total
        self.say(f"\n[{number}/{total}] {title}")
        self._clear()
        self._bar = f"[{'█' * done}{'·' * (BAR_CELLS - done)}] {number - 1} of {total}  {title}"
        self._draw()

    def done(self) -> None:
        """Take the bar away."""
        self._clear()
        self._bar = ""

    def exchange(self, method: str, path: str, about: str, answer: str) -> None:
        """One request and its answer; ``about`` names the person if the path does not."""
        self.say(f"  {method} {unquote(path)}{f'  {about}' if about else ''} → {answer}")

    def reason(self, sentence: str) -> None:
        self.say(f"      {sentence}")

    def document(self, label: str, document: Mapping[str, Any] | None) -> None:
        if self._verbose and document:
            shown = {key: HIDDEN if key == "password" else value for key, value in document.items()}
            text = json.dumps(shown, indent=2, ensure_ascii=False)
            self.say("\n".join(f"      {label} {line}" for line in text.splitlines()))

    def _clear(self) -> None:
        if self._bar_stream and self._bar:
            self._bar_stream.write("\r\x1b[2K")
            self._bar_stream.flush()

    def _draw(self) -> None:
        if self._bar_stream and self._bar:
            self._bar_stream.write(self._bar)
            self._bar_stream.flush()
