"""Classes that nobody compares, prints or changes: services, and values that are passed on."""

from dataclasses import dataclass, field
from typing import dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def plain_class[C](cls: type[C]) -> type[C]:
    """
    Make a dataclass of a class.

    It gets no methods to compare, print or freeze: making them takes two thirds of the time that a
    cold start spends on a class. mypy checks that nobody sets its fields.
    """
    return dataclass(eq=False, repr=False)(cls)
