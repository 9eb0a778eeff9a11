"""What an error may say of a JSON value that it must not quote: a secret may be in any field."""

_NAMES = {
    type(None): "nothing",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def type_of(value: object) -> str:
    """Describe a value without quoting it."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if value == []:
        return "an empty list"
    return _NAMES.get(type(value), "something else")
