"""Work on several kernels, some guests at a time; nothing of it is left where one ends in an error or a signal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from connlab.cluster.idle_host import remove_own
from connlab.cluster.subprocesses import end_all, signals_as_exceptions
from connlab.kernels.archive import Kernel

CLAIMS_AT_A_TIME = 3  # kernels on two cores: claims wait as much as they work
TRIALS_AT_A_TIME = 2  # a trial keeps both busy
EVERY = 0.1  # seconds
Result = TypeVar("Result")


def of_each(
    kernels: Sequence[Kernel],
    at_a_time: int,
    work: Callable[[Kernel, threading.Event], Result],
    remove: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Do the work for each kernel; the results in the order of kernels.

    Where one ends in an error or a signal the event is set, and builds and guests are gone, also those that are made
    meanwhile; `remove` takes away what else there is, for whoever still waits for it.
    """
    ended = threading.Event()
    # Guests are started in threads, where no signal arrives.
    with signals_as_exceptions() as begin, ThreadPoolExecutor(at_a_time) as pool:
        asked = [pool.submit(work, kernel, ended) for kernel in kernels]
        try:
            begin()
            return [each.result() for each in asked]
        except BaseException:
            ended.set()
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(each.done() for each in asked):
                end_all()
                remove_own()
                remove()
                wait(asked, timeout=EVERY)
            raise
