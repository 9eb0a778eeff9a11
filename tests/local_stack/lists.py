"""The pages in which the emulated Atlas sends a list, and their links to each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from werkzeug.wrappers import Request

from local_stack.refusal import Refusal, atlas_error

_SIZE = 100
_LARGEST = 500


@dataclass(frozen=True)
class Page:
    """A part of a list, or with `size` None the whole."""

    number: int = 1
    size: int | None = None
    is_counted: bool = True

    @classmethod
    def asked(cls, request: Request, *, counts: bool, largest: int = _LARGEST) -> Self:
        """
        Return the page that the query asks for, or one of `largest` entries if that is smaller.

        Raise Refusal if there cannot be one.

        Without `counts`, the specification of the list has no includeCount. How Atlas answers to it
        is not known, so it is refused.
        """
        if not counts and "includeCount" in request.args:
            raise invalid("includeCount")
        return cls(
            _number(request, "pageNum", 1, None),
            min(largest, _number(request, "itemsPerPage", _SIZE, _LARGEST)),
            _flag(request, "includeCount"),
        )

    def body[T](
        self, request: Request, entries: Sequence[T], said: Callable[[T], Any]
    ) -> dict[str, Any]:
        """Return Atlas's answer. Only the entries of this page are `said`."""
        size = self.size or len(entries)
        first = (self.number - 1) * size
        body: dict[str, Any] = {
            "links": self._links(request, is_last=first + size >= len(entries)),
            "results": [said(entry) for entry in entries[first : first + size]],
        }
        return {**body, "totalCount": len(entries)} if self.is_counted else body

    def _links(self, request: Request, *, is_last: bool) -> list[dict[str, str]]:
        """Atlas repeats the request as it came; in other links the number of the page is last."""
        host = request.host_url.rstrip("/")
        links = [{"href": f"{host}{request.environ['RAW_URI']}", "rel": "self"}]
        asked = request.args.items(multi=True)
        query = [(name, value) for name, value in asked if name != "pageNum"]

        def link(number: int, rel: str) -> dict[str, str]:
            text = urlencode([*query, ("pageNum", number)])
            return {"href": f"{host}{request.path}?{text}", "rel": rel}

        if self.number > 1:
            links.append(link(self.number - 1, "previous"))
        if not is_last:
            links.append(link(self.number + 1, "next"))
        return links


def _number(request: Request, name: str, default: int, largest: int | None) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    if not is_number or not 1 <= int(text) <= (largest or int(text)):
        raise invalid(name)
    return int(text)


def _flag(request: Request, name: str) -> bool:
    text = request.args.get(name, "true")
    if text not in {"true", "false"}:
        raise invalid(name)
    return text == "true"


def invalid(name: str) -> Refusal:
    """Return the refusal of a query parameter."""
    detail = f"The value of {name} is not allowed."
    return Refusal(atlas_error(400, "INVALID_ATTRIBUTE", detail, [name]))
