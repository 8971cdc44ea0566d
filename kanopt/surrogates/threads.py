"""Restrict linear algebra to one thread."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep PyTorch and the linear algebra of numpy to one thread inside the block.

    The matrices of a fit are small: a second thread gains nothing, and on a busy machine threads spin while they wait
    for each other.

    Examples
    --------
    >>> import torch
    >>> before = torch.get_num_threads()
    >>> with one_thread():
    ...     print(torch.get_num_threads())
    1
    >>> torch.get_num_threads() == before
    True
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _libraries(len(sys.modules)).limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:
    """Return the libraries that have threads.

    Looking for them takes as long as a small fit. They come with modules: as long as no more of these are loaded, no
    more of those are either.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
