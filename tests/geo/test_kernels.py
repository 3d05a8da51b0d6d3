import numba
import numpy as np

from geo.kernels import Kernel, inlined, kernel


@inlined
def twice(value):
    return 2 * value


@kernel
def doubled_sum(values):
    total = 0
    for value in values:
        total += twice(value)
    return total


def test_a_kernel_gives_the_same_interpreted_and_compiled():
    values = np.arange(10)

    assert doubled_sum(values, large=False) == doubled_sum(values, large=True) == 90


def test_a_kernel_compiles_where_no_folder_can_be_written(monkeypatch):
    real = numba.njit

    def njit(*function, cache=False):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(*function)

    monkeypatch.setattr(numba, "njit", njit)
    assert Kernel(doubled_sum.interpreted)(np.arange(10), large=True) == 90
