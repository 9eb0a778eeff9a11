"""The page as a browser reads it: elements, attributes and text."""

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "col", "rect", "path", "circle", "use"}


class ParsedPage(HTMLParser):
    """
    `structure`: every tag with its attributes, in order. `texts`: by the element around each.

    `states`: how many rows of months are in each state, by the class of their last cell.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.structure: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[tuple[str, str]] = []
        self.states: Counter[str] = Counter()
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.structure.append((tag, tuple(attrs)))
        kind, _, state = (dict(attrs).get("class") or "").partition(" ")
        if tag == "td" and kind == "state":
            self.states[state] += 1
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append((self._open[-1], data))

    def within(self, tag: str) -> list[str]:
        """Every text directly within such an element."""
        return [text for around, text in self.texts if around == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(text for tag, text in self.texts if tag != "style").split())
