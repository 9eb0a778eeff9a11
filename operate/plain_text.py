"""What a terminal may be given. Pure."""


def plain(text: str) -> str:
    """Return text in one line without control characters, which could change what is shown."""
    return "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in text)
