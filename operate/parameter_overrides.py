"""
The parameters of a deployment, in the words of SAM's `--parameter-overrides`. Pure.

SAM drops the parameters of an environment of samconfig.toml when the command line gives any. So
both are read here, and the command line counts more.

SAM ends a value at a blank, and silently drops the rest. So a text of the file is read as a shell
reads words, a word other than `Name=value` is an error, and a value with a blank is put in quotes.
"""

import re
import shlex
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from operate.errors import ArgumentError

FILE = Path("samconfig.toml")

_WORD = re.compile(r"[A-Za-z0-9]+=[^\\]*")
"""SAM takes a backslash before a quote or a blank, and a text in the form of ParameterKey."""

_EXPECTED = (
    'expected Name=value, or Name="a value" with quotes around blanks, without a backslash and '
    "without ParameterKey="
)
_PLAIN = re.compile(r"[^\s\"']+")

_ANSWERS = {"secret_arn": "AtlasSecretArn", "projects": "AtlasProjectIds", "email": "NotifyEmail"}


def parameters(words: Iterable[str], where: str) -> dict[str, str]:
    """
    Return the parameters of words such as `Name=value`.

    Of several values of a parameter, the last counts. Raises ArgumentError, which says `where`.
    """
    found = {}
    for word in words:
        if "ParameterKey=" in word or not _WORD.fullmatch(word):
            raise ArgumentError(f"{where}: {_EXPECTED}, got {word[:60]!a}")
        name, _, value = word.partition("=")
        found[name] = value
    return found


def words_of(said: Any, where: str) -> Iterator[str]:
    """Yield the words of a text, or of a list or a table, which SAM accepts in the file too."""
    match said:
        case str():
            try:
                yield from shlex.split(said)
            except ValueError:
                msg = f"{where}: a quote is not closed, or the text ends with a backslash"
                raise ArgumentError(msg) from None
        case list():
            for part in said:
                yield from words_of(part, where)
        case dict():
            for name, value in said.items():
                values = value if isinstance(value, list) else [value]
                yield f"{name}={','.join(map(str, values))}"
        case _:
            raise ArgumentError(f"{where}: expected text, a list or a table")


def options_of(config: Mapping[str, Any], environment: str | None) -> dict[str, Any]:
    """Return the options that the file has for `sam deploy` in an environment."""
    sections = config.get(environment or "default", {})
    # The options of all commands of SAM, then the options of `sam deploy`.
    of_all, own = (sections.get(command, {}) for command in ("global", "deploy"))
    return {**of_all.get("parameters", {}), **own.get("parameters", {})}


def parameters_of_environment(config: Mapping[str, Any], environment: str | None) -> dict[str, str]:
    """Return the parameters that the file has for an environment. Raises ArgumentError."""
    names = [name for name, part in config.items() if isinstance(part, dict) and "deploy" in part]
    if environment and environment not in names:
        has = f"It has: {' '.join(names)}."
        raise ArgumentError(f"{FILE} has no environment {environment[:60]}. {has}")
    said = options_of(config, environment).get("parameter_overrides", "")
    where = f"{FILE} ({environment or 'default'})"
    return parameters(words_of(said, where), where)


def as_words(given: Mapping[str, str]) -> str:
    """Return the parameters as SAM reads them."""
    return " ".join(f"{name}={_quoted(value)}" for name, value in given.items())


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else '"' + value.replace('"', '\\"') + '"'


def merged_parameters(given: Namespace, config: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of the arguments and their environment. Raises ArgumentError."""
    # No blank belongs into any of these: `--projects 'one, two'` is both.
    stated = []
    for name, parameter in _ANSWERS.items():
        text = getattr(given, name)
        if text:
            stated.append(f"{parameter}={''.join(text.split())}")
    stated += given.parameters
    for name, count in Counter(word.partition("=")[0] for word in stated).items():
        if count > 1:
            raise ArgumentError(f"{name} is given twice")
    return parameters_of_environment(config, given.environment) | parameters(stated, "--parameters")
