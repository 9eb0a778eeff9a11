"""Classes that hold what they work with."""

from dataclasses import dataclass, field
from typing import dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def part[C](cls: type[C]) -> type[C]:
    """
    Make a dataclass of a part: nobody compares, prints or changes it.

    So it has no methods for that. To make them takes two thirds of the time that a cold start
    spends on a class. That nobody sets its fields is checked by mypy.
    """
    return dataclass(eq=False, repr=False)(cls)
