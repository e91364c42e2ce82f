"""Take the sentences out of a file: Markdown, a template, or the strings and comments of a Python module."""

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

# Placeholder for code, variables and links: one word, so that the sentence keeps its length.
WORD: Final = "…"


@dataclass(frozen=True)
class Passage:
    """A paragraph, a cell or a string on one line, and its ``place`` as ``file:line``."""

    text: str
    place: str


def markdown(path: Path, name: str) -> Iterator[Passage]:
    """Yield the paragraphs, list items and cells of a page, without its code."""
    text = re.sub(
        r"^( *)```.*?^\1```",
        lambda code: "\n" * code[0].count("\n"),
        path.read_text(encoding="utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    block: list[str] = []
    begins = 1
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if not line.strip() or re.match(r"\s*(?:[-*#|]|\d+\.) ?", line):
            yield from _passage(" ".join(block), name, begins)
            block = []
        if line.startswith("|"):
            for cell in line.strip("|").split(" | "):
                yield from _passage(cell, name, number)
        elif line.strip():
            begins = begins if block else number
            block.append(line.strip().lstrip("-#").strip())


def _passage(text: str, name: str, line: int) -> Iterator[Passage]:
    text = re.sub(r"`[^`]*`", WORD, text)
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\s+", " ", re.sub(r"[*_]{1,2}(?=\w)|(?<=[\w.…])[*_]{1,2}", "", text)).strip()
    if " " in text:
        yield Passage(text, f"{name}:{line}")


class _Text(HTMLParser):
    """Collects text between block elements."""

    INLINE: Final = {"a", "abbr", "b", "bdi", "br", "code", "em", "i", "kbd", "small", "span", "strong", "time"}
    HIDDEN: Final = {"script", "style", "svg"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[tuple[int, str]] = [(1, "")]
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in self.HIDDEN
        self._new(tag)

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in self.HIDDEN
        self._new(tag)

    def handle_data(self, data: str) -> None:
        line, text = self.blocks[-1]
        if not self.hidden:
            self.blocks[-1] = (line, text + data)

    def _new(self, tag: str) -> None:
        if tag not in self.INLINE:
            self.blocks.append((self.getpos()[0], ""))


def _markup(text: str, name: str, first: int = 1) -> Iterator[Passage]:
    parser = _Text()
    parser.feed(text)
    for line, block in parser.blocks:
        for part in block.split("∥"):
            yield from _passage(part, name, first + line - 1)


TAGS: Final = tuple(
    (re.compile(pattern, re.DOTALL), word)
    for pattern, word in (
        (r"\{#.*?#\}", ""),
        (r"\{% comment.*?endcomment %\}", ""),
        (r"\{% translate \"(.*?)\" %\}", r"\1"),
        (r"\{\{.*?\}\}", WORD),
        (r"\{% (?:else|elif|endif|endfor|for|if|empty)\b.*?%\}", " ∥ "),
        (r"\{%.*?%\}", ""),
    )
)


def _replaced(found: re.Match[str], word: str) -> str:
    """Return ``word`` with as many line breaks as the tag had, so that lines keep their numbers."""
    return found.expand(word) + "\n" * found[0].count("\n")


def template(path: Path, name: str) -> Iterator[Passage]:
    """Yield the texts of a template. A variable is one word; other tags of Django's language end a sentence or vanish."""
    text = path.read_text(encoding="utf-8")
    for pattern, word in TAGS:
        text = pattern.sub(partial(_replaced, word=word), text)
    yield from _markup(text, name)


@lru_cache(maxsize=1)
def _tree(path: Path) -> ast.Module:
    """Parse a module once for the three functions that read it."""
    return ast.parse(path.read_text(encoding="utf-8"))


def strings(path: Path, name: str) -> Iterator[Passage]:
    """Yield the strings of a module without its docstrings and code in other languages; a value inside an f-string is one word."""
    tree = _tree(path)
    skip = {id(node) for node in _docstring_nodes(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skip |= {id(part) for part in node.values}
            parts = (str(part.value) if isinstance(part, ast.Constant) else WORD for part in node.values)
            yield from _string("".join(parts), name, node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skip:
            yield from _string(node.value, name, node.lineno)


def _string(text: str, name: str, line: int) -> Iterator[Passage]:
    if re.search(r"\{\s|\b(?:SELECT|INSERT|UPDATE|DELETE|WITH|FROM|WHERE|RETURNING)\s", text):
        return  # a script, a style sheet or SQL
    yield from _markup(text, name, line) if re.search(r"</?[a-z]", text) else _passage(text, name, line)


def docstrings(path: Path, name: str) -> Iterator[Passage]:
    """Yield the paragraphs of all docstrings of a module, including those of its constants."""
    for node in _docstring_nodes(_tree(path)):
        for paragraph in str(node.value).split("\n\n"):
            yield from _passage(paragraph.replace("``", "`"), name, node.lineno)


def _docstring_nodes(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield every string that is a statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value


FOR_TOOLS: Final = re.compile(r"#\s*(?:noqa\b|type:|fmt:).*|^#!.*")
"""The part of a comment that a tool reads."""


def comments(path: Path, name: str) -> Iterator[Passage]:
    """Yield the comments of a module. Comments that fill consecutive lines are one passage."""
    block: list[str] = []
    begins = 1
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type != tokenize.COMMENT:
                continue
            number, is_alone = token.start[0], token.line.lstrip().startswith("#")
            text = FOR_TOOLS.sub("", token.string).lstrip("#:").strip()
            if not is_alone:
                yield from _passage(text, name, number)
            elif number == begins + len(block):
                block.append(text)
            else:
                yield from _passage(" ".join(block), name, begins)
                block, begins = [text], number
    yield from _passage(" ".join(block), name, begins)


def names_of_tests(path: Path, name: str) -> Iterator[Passage]:
    """Yield the names of the tests of a module as sentences."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield Passage(f"{node.name.removeprefix('test_').replace('_', ' ')}.", f"{name}:{node.lineno}")


def names(path: Path, name: str) -> Iterator[Passage]:
    """Yield the names that a module gives to functions, classes, parameters and variables, without leading and trailing underscores."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield Passage(node.name.strip("_"), f"{name}:{node.lineno}")
        elif isinstance(node, ast.arg):
            yield Passage(node.arg.strip("_"), f"{name}:{node.lineno}")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield Passage(node.id.strip("_"), f"{name}:{node.lineno}")
