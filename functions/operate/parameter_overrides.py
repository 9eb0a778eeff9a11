"""
Prints the parameters that `make deploy` gives to SAM, in the words of `--parameter-overrides`.

SAM drops the parameters of an environment of samconfig.toml when the command line gives one. So
both are read here, and those of the command line count. Nothing is printed if there are none.

SAM ends a value at a blank, and silently drops the rest. So values are read as a shell reads words,
and what is no `Name=value` is an error. A value with a blank is printed in double quotes.

Exit status: 0, or 2 if an argument or the file is wrong.
"""

import re
import shlex
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from operate.command_line import OneLineParser
from operate.errors import ArgumentError, OperateError

FILE = Path("samconfig.toml")

_NAME = re.compile(r"(?!ParameterKey$)[A-Za-z0-9]+")
_EXPECTED = 'expected Name=value, or Name="a value" with quotes around blanks'
_PLAIN = re.compile(r"[^\s\"']+")

_ANSWERS = {"secret_arn": "AtlasSecretArn", "projects": "AtlasProjectIds", "email": "NotifyEmail"}


def parameters(said: Any, where: str) -> dict[str, str]:
    """
    Return the parameters of a text, or of a list or a table, which SAM accepts in the file too.

    Of several values of a parameter, the last one counts. Raises ArgumentError, which says `where`.
    """
    return dict(_parameters(said, where))


def _parameters(said: Any, where: str) -> Iterator[tuple[str, str]]:
    match said:
        case str():
            for word in _words(said, where):
                name, equals, value = word.partition("=")
                if not equals:
                    raise ArgumentError(None, f"{where}: {_EXPECTED}, got {word[:60]!a}")
                yield _checked(name, value, where)
        case list():
            for one in said:
                yield from _parameters(one, where)
        case dict():
            for name, value in said.items():
                values = value if isinstance(value, list) else [value]
                yield _checked(name, ",".join(map(str, values)), where)
        case _:
            raise ArgumentError(None, f"{where}: expected text, a list or a table")


def _words(text: str, where: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise ArgumentError(None, f"{where}: a quote or a backslash ends nothing") from None


def _checked(name: str, value: str, where: str) -> tuple[str, str]:
    """SAM cannot be given every value with a backslash: it takes one before a quote or a blank."""
    if not _NAME.fullmatch(name):
        raise ArgumentError(None, f"{where}: {_EXPECTED}, got the name {name[:60]!a}")
    if "\\" in value:
        raise ArgumentError(None, f"{where}: {name}: expected a value without a backslash")
    return name, value


def of_environment(config: Mapping[str, Any], environment: str | None) -> dict[str, str]:
    """Return the parameters that the file has for an environment. Raises ArgumentError."""
    names = [name for name, one in config.items() if "deploy" in (one if _is_table(one) else ())]
    name = environment or "default"
    if environment and environment not in names:
        has = f"It has: {' '.join(names)}."
        raise ArgumentError(None, f"{FILE} has no environment {environment[:60]}. {has}")
    one = config.get(name, {})
    # What holds for all commands of SAM, and what holds for this one.
    options = {
        key: value
        for command in ("global", "deploy")
        for key, value in one.get(command, {}).get("parameters", {}).items()
    }
    return parameters(options.get("parameter_overrides", ""), f"{FILE} ({name})")


def _is_table(one: Any) -> bool:
    return isinstance(one, dict)


def as_words(given: Mapping[str, str]) -> str:
    """Return the parameters as SAM reads them."""
    return " ".join(f"{name}={_quoted(value)}" for name, value in given.items())


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else '"' + value.replace('"', '\\"') + '"'


def merged(words: Sequence[str] | None, config: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a command line and its environment. Raises ArgumentError."""
    parser = OneLineParser(prog="python -m operate.parameter_overrides", allow_abbrev=False)
    for name in ("environment", "secret-arn", "projects", "email", "parameters"):
        parser.add_argument(f"--{name}")
    given = vars(parser.parse_args(words))
    # No blank belongs into any of these: `PROJECTS='one, two'` is both.
    answers = {
        parameter: "".join(given[name].split())
        for name, parameter in _ANSWERS.items()
        if given[name]
    }
    return (
        of_environment(config, given["environment"])
        | answers
        | parameters(given["parameters"] or "", "PARAMETERS")
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ArgumentError(None, f"{path} cannot be read: {error}") from error


def main(words: Sequence[str] | None = None) -> int:
    """Print the parameters and return the exit status. An error is one line."""
    try:
        sys.stdout.write(as_words(merged(words, _read(FILE))))
    except OperateError as error:
        sys.stderr.write(f"deploy: {error}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
