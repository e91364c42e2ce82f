"""Sketches of the IdPs' forms: where a value goes. Drawn from the same list as the values, so that they never disagree.

A sketch shows the menu, the chosen entry and the fields in their order. It does not copy the real page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 400
_MARGIN: Final = 12
_SIDE: Final = 104
"""The width of a menu at the side."""
_TOP: Final = 34
"""Where the content begins, below a menu at the top."""
_ROW: Final = 42
_LINE: Final = 22
_LETTER: Final = 6
"""About the width of a letter, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """``menu`` contains ``current``, the entry to choose. ``columns`` are the headings of a form that is a table of names and values."""

    menu: tuple[str, ...]
    current: str
    at_the_side: bool = False
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    x: int
    y: int
    text: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A field with the beginning of its value."""

    x: int
    y: int
    width: int
    text: str

    @property
    def text_x(self) -> int:
        return self.x + 6

    @property
    def text_y(self) -> int:
        return self.y + 13


@dataclass(frozen=True, slots=True)
class Sketch:
    height: int
    menu: tuple[Text, ...]
    labels: tuple[Text, ...]
    boxes: tuple[Box, ...]
    in_words: str
    """The text alternative."""
    width: int = WIDTH
    side: int = 0

    @property
    def inner_height(self) -> int:
        return self.height - 2


def sketch(drawing: Drawing, title: str, fields: Sequence[tuple[str, str]]) -> Sketch:
    """Return the sketch of a form with these fields, each a label and a value."""
    left = _SIDE + _MARGIN if drawing.at_the_side else _MARGIN
    labels, boxes, end = (_table if drawing.columns else _form)(drawing, fields, left)
    height = max(end, _MARGIN + _LINE * len(drawing.menu) if drawing.at_the_side else 0) + _MARGIN
    names = ", ".join(label for label, _ in fields)
    words = f"Sketch of {title}. In the menu: {drawing.current}. From top to bottom: {names}."
    return Sketch(height, _menu(drawing), labels, boxes, words, side=_SIDE if drawing.at_the_side else 0)


def _menu(drawing: Drawing) -> tuple[Text, ...]:
    texts, x = [], _MARGIN
    for number, entry in enumerate(drawing.menu):
        y = 22 + _LINE * number if drawing.at_the_side else 21
        texts.append(Text(x, y, entry, entry == drawing.current))
        x += 0 if drawing.at_the_side else len(entry) * _LETTER + 20
    return tuple(texts)


def _form(
    drawing: Drawing, fields: Sequence[tuple[str, str]], left: int
) -> tuple[tuple[Text, ...], tuple[Box, ...], int]:
    y = _MARGIN if drawing.at_the_side else _TOP + 4
    labels, boxes = [], []
    for label, value in fields:
        labels.append(Text(left, y + 11, label))
        boxes.append(Box(left, y + 16, WIDTH - left - _MARGIN, _short(value, WIDTH - left - _MARGIN)))
        y += _ROW
    return tuple(labels), tuple(boxes), y


def _table(
    drawing: Drawing, fields: Sequence[tuple[str, str]], left: int
) -> tuple[tuple[Text, ...], tuple[Box, ...], int]:
    y = _MARGIN if drawing.at_the_side else _TOP + 4
    first = (WIDTH - left - _MARGIN) * 2 // 5
    second = WIDTH - left - _MARGIN - first - 8
    labels = [Text(left + offset, y + 11, head) for offset, head in zip((0, first + 8), drawing.columns, strict=True)]
    boxes, y = [], y + 18
    for label, value in fields:
        boxes += [Box(left, y, first, _short(label, first)), Box(left + first + 8, y, second, _short(value, second))]
        y += _LINE
    return tuple(labels), tuple(boxes), y


def _short(text: str, width: int) -> str:
    most = (width - 14) // _LETTER
    return text if len(text) <= most else f"{text[: most - 1]}…"
