"""Compiled inner loops: numba where it pays, the same Python function where compiling would take longer.

`@kernel` marks a function over flat arrays; calling it with `large=False` runs the plain function, with
`large=True` the compiled one. Both run the same source, so the plan does not depend on which was chosen.
`@inlined` marks a function that kernels call. Numba is imported by the first kernel that is compiled: the
plan of one community compiles nothing, and importing numba takes longer than its search.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_called_by_kernels: list[Callable[..., Any]] = []


def inlined(function: Function) -> Function:
    """Mark a function that kernels call."""
    _called_by_kernels.append(function)
    return function


class Kernel:
    """A function that can run interpreted or compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.interpreted = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """The function compiled by numba, kept on disk where a folder for it can be written."""
        import numba
        from numba.extending import register_jitable

        while _called_by_kernels:
            register_jitable(_called_by_kernels.pop())
        try:
            compiled: Callable[..., Any] = numba.njit(cache=True)(self.interpreted)
        except RuntimeError:  # neither the installation nor the home folder can be written
            compiled = numba.njit(self.interpreted)
        return compiled

    def __call__(self, *args: Any, large: bool) -> Any:
        """Run compiled when `large`, else interpreted."""
        return self.compiled(*args) if large else self.interpreted(*args)


def kernel(function: Callable[..., Any]) -> Kernel:
    """Mark a function over flat arrays and numbers as an inner loop."""
    return Kernel(function)
