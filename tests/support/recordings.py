"""Experiments that wait for the kernel: recorded side by side, each in a lab of its own; tests judge them.

    @recording(stock={"SYSCTL": "stock"}, article={"SYSCTL": "article"})
    def lingering(lab, keep):            # arrange and act, once in each lab; what it returns is the record
        ...

    def test_no_setting_shortens_time_wait(lingering):
        assert lingering["article"].seconds == lingering["stock"].seconds     # waits until both are there

TIME_WAIT lasts a minute that cannot be shortened. So every recording that some chosen test names is started
before the first of them is judged, and none looks at the right answer. Recordings of the same knobs have one lab, one
after another in the order of their names: a later one finds what an earlier one left behind.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from connlab.cluster import engine_machine
from connlab.cluster.removal import remove_project
from connlab.evidence.recorder import RunFolder
from tests.support.laboratory import Lab, image, laboratory, record_lab

Keep = Callable[[str, object], object]
Act = Callable[[Lab, Keep], Any]
Knobs = Mapping[str, object]
Part = tuple[Act, str, Future[Any]]  # a recording in one of its labs

WITHIN = 180.0  # seconds for a recording: two lives of a TIME_WAIT socket, and a dozen labs that come up
AT_A_TIME = threading.Semaphore(3)  # labs that come up: more would only be slower, each of them

_definitions: dict[str, tuple[Act, Mapping[str, Knobs | Callable[[], Knobs]]]] = {}


def recording(**labs: Knobs | Callable[[], Knobs]) -> Callable[[Act], Any]:
    """Make a function a recording: a fixture of its name, {name of a lab: what the function returned}.

    Each lab has its knobs, or a function that gives them, where they depend on the kernel.
    """

    def register(act: Act) -> Any:
        _definitions[act.__name__] = act, labs

        @pytest.fixture(scope="session", name=act.__name__)
        def fixture(_recordings: dict[str, Recordings]) -> Recordings:
            return _recordings[act.__name__]

        return fixture

    return register


class Recordings(Mapping[str, Any]):
    """What was recorded in each lab. Asking for one waits for it, and raises what its recording raised."""

    def __init__(self, futures: Mapping[str, Future[Any]]) -> None:
        self._futures = futures

    def __getitem__(self, name: str) -> Any:
        return self._futures[name].result(WITHIN)

    def __iter__(self) -> Iterator[str]:
        return iter(self._futures)

    def __len__(self) -> int:
        return len(self._futures)


@contextlib.contextmanager
def start_recordings(names: set[str], run: RunFolder) -> Iterator[dict[str, Recordings]]:
    """Start every recording of these names at once.

    On the way out, whatever still runs loses its lab, and ends; then a lab goes that its recordings could not remove.
    """
    image("server")  # on a new machine the images are built first, which is no part of a recording's time
    open_labs: set[str] = set()
    futures: dict[str, dict[str, Future[Any]]] = {function: {} for function in names}
    labs: list[tuple[Knobs | Callable[[], Knobs], list[Part]]] = []
    for function in sorted(names):  # the same order every time
        act, variants = _definitions[function]
        for name, knobs in variants.items():
            parts = next((parts for others, parts in labs if others == knobs), None)
            if parts is None:
                labs.append((knobs, parts := []))
            futures[function][name] = Future()
            parts.append((act, name, futures[function][name]))

    def remove_open_labs() -> None:
        for project in list(open_labs):
            remove_project(project)

    with contextlib.ExitStack() as stack:
        stack.callback(remove_open_labs)
        pool = stack.enter_context(ThreadPoolExecutor(max(1, len(labs)), "recording"))
        stack.callback(remove_open_labs)
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        for knobs, parts in labs:
            pool.submit(_record_all, knobs, parts, run, open_labs)
        yield {function: Recordings(labs) for function, labs in futures.items()}


def _record_all(
    knobs: Knobs | Callable[[], Knobs], parts: Sequence[Part], run: RunFolder, open_labs: set[str]
) -> None:
    """Start a lab, and record in it one after another; what stops the lab is what each of them raises.

    A lab that could not be removed then is left to the end of all recordings, with a warning that says why.
    """
    lab = None
    try:
        with contextlib.ExitStack() as stack:
            with AT_A_TIME:
                lab = stack.enter_context(laboratory(**(knobs() if callable(knobs) else knobs)))
            open_labs.add(lab.settings.project)
            for part in parts:
                _record(lab, part, run)
        open_labs.discard(lab.settings.project)
    except BaseException as error:
        if lab and all(future.done() for _, _, future in parts):
            why = "".join(traceback.format_exception(error))
            warnings.warn(f"{lab.settings.project} is not removed yet: {why}", stacklevel=1)
        for _, _, future in parts:
            if not future.done():
                future.set_exception(error)


def _record(lab: Lab, part: Part, run: RunFolder) -> None:
    act, name, future = part
    folder, began = f"{act.__name__}-{name}", engine_machine.now().isoformat()

    def keep(what: str, data: object) -> object:
        return run.keep(folder, what, data)

    try:
        try:
            result = act(lab, keep)
        finally:
            record_lab(lab, keep, began)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def recordings_of(items: list[pytest.Item]) -> set[str]:
    """Return the recordings that these tests name."""
    return {name for item in items for name in getattr(item, "fixturenames", ()) if name in _definitions}
