"""Classes that hold their tools."""

from dataclasses import dataclass, field
from typing import dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def service[C](cls: type[C]) -> type[C]:
    """
    Make a dataclass of a service, which nobody compares, prints or changes.

    It gets no methods for that: making them takes two thirds of the time that a cold start spends
    on a class. mypy checks that nobody sets its fields.
    """
    return dataclass(eq=False, repr=False)(cls)
