"""Slack's mrkdwn → HTML, as far as our messages use it: bold, code, links, lists and entities."""

import re
from collections.abc import Iterable
from html import escape, unescape
from itertools import groupby

_BULLET = "• "

_TOKEN = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|<(?P<address>https?://[^|>]+)(?:\|(?P<label>[^>]+))?>"
    r"|(?P<bare>https?://\S+)"
    r"|(?<!\w)\*(?! )(?P<bold>[^*\n]+)(?<! )\*(?!\w)"
)


def to_html(text: str) -> str:
    """Lines become paragraphs, lines with bullets become lists, and blank lines a gap."""
    groups = groupby(text.split("\n"), key=lambda line: line.startswith(_BULLET))
    return "".join(
        bullets(line.removeprefix(_BULLET) for line in lines)
        if is_list
        else "".join(map(_line, lines))
        for is_list, lines in groups
    )


def bullets(texts: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{inline(text)}</li>' for text in texts)}</ul>"


def inline(text: str) -> str:
    """One line. Entities are resolved once, and escaped again for HTML."""
    parts, end = [], 0
    for token in _TOKEN.finditer(text):
        parts += [plain(text[end : token.start()]), _formatted(token)]
        end = token.end()
    return "".join([*parts, plain(text[end:])])


def plain(text: str) -> str:
    return escape(unescape(text))


def command(html: str) -> str:
    """A command whose options are not broken between two lines."""
    return re.sub(r"(?<!\S)--\w+", r'<span class="option">\g<0></span>', html)


def _line(line: str) -> str:
    return f"<p>{inline(line)}</p>" if line else '<p class="gap"></p>'


def _formatted(token: re.Match[str]) -> str:
    if code := token["code"]:
        return f"<code>{command(plain(code))}</code>"
    if bold := token["bold"]:
        return f"<b>{plain(bold)}</b>"
    address = token["address"] or token["bare"]
    return f"<a>{plain(token['label'] or address)}</a>"
