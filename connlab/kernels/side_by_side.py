"""Work on several kernels, two guests at a time; nothing of it is left where one ends in an error or a signal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from connlab.cluster.idle_host import remove_own
from connlab.kernels.archive import Kernel

SIDE_BY_SIDE = 2
Result = TypeVar("Result")


def of_each(
    kernels: Sequence[Kernel],
    work: Callable[[Kernel, threading.Event], Result],
    remove: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Do the work for each kernel; the results in the order of kernels.

    Where one ends in an error or a signal the event is set, and guests are gone; `remove` takes away what else there
    is, for whoever still waits for it.
    """
    ended = threading.Event()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        asked = [pool.submit(work, kernel, ended) for kernel in kernels]
        try:
            return [each.result() for each in asked]
        except BaseException:
            ended.set()
            pool.shutdown(wait=False, cancel_futures=True)
            remove_own()
            remove()
            raise
