"""Former names of parameters, which the public functions still accept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from galaxtool.utils.config import FORMER_NAMES

F = TypeVar("F", bound=Callable[..., Any])


def accept_former_names(function: F) -> F:
    """Let a command take its parameters by their former names too, see `galaxtool.utils.config.FORMER_NAMES`."""
    former = FORMER_NAMES[function.__name__]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for old, name in former.items():
            if old in kwargs:
                if name in kwargs:
                    raise TypeError(f"{function.__name__}() takes '{name}' or its former name '{old}', not both")
                kwargs[name] = kwargs.pop(old)
        return function(*args, **kwargs)

    return cast(F, call)
