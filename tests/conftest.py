"""What every test may have: a lab of its own, a crowd that is shared, and a folder for its evidence."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from connlab.base.errors import LabError
from connlab.base.model import Verdict
from connlab.base.settings import HOME
from connlab.cluster import engine_machine
from connlab.cluster.host import Host
from connlab.evidence import recorder, verdicts
from connlab.report import verdict_tables
from tests.support import compose_start, menu
from tests.support.forked_compose import forked_compose
from tests.support.header import DOCKERLESS, header
from tests.support.laboratory import Lab, laboratory, remove_leftovers, shared_use
from tests.support.last_lines import (
    pytest_runtest_logfinish,
    pytest_runtest_logstart,
    skip_lines,
    unfinished_lines,
)
from tests.support.ordering import pytest_collection_modifyitems, pytest_itemcollected
from tests.support.variations import (
    pytest_deselected,
    pytest_testnodedown,
    report_of_worker,
    variation_lines,
)

__all__ = [  # hooks that have a file of their own
    "pytest_collection_modifyitems",
    "pytest_deselected",
    "pytest_itemcollected",
    "pytest_runtest_logfinish",
    "pytest_runtest_logstart",
    "pytest_testnodedown",
]
RUN = "CONNLAB_RUN"
LONGEST_ID = 80  # letters of a parameter
PASSED = pytest.StashKey[bool]()
FOLDER = pytest.StashKey[str]()
WRONG = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Take every knob of the shell and of .env away; name the run's one folder of evidence, for the workers too."""
    menu.take_over(os.environ)
    compose_start.hasten(os.environ)
    # Four thousand tests live as long as the run, and each collection would look at all of them.
    gc.set_threshold(50_000)
    if not hasattr(config, "workerinput"):
        # Without systemd all containers together have the weight of one process: labs, and kernels that boot in
        # emulation, go before the tests that wait for them.
        os.nice(max(0, 10 - os.nice(0)))
        # Else each `lab` that a test starts compiles all of it again.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ[RUN] = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        # Ignored in a script's background job, and then by all that it starts: no test could press Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A run that is told to end (kill, timeout(1), a CI job that is cancelled) takes its labs away, as after Ctrl-C.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a text that is long by its beginning; pytest numbers those that are alike then."""
    text = val.decode("latin-1") if isinstance(val, bytes) else val
    return f"{text[:LONGEST_ID]}..." if isinstance(text, str) and len(text) > LONGEST_ID else None


def pytest_report_header(config: pytest.Config) -> str:
    """Name the kernel under test, which is the engine's, because results depend on it."""
    return header(config.args)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Name the folder of evidence in a failure, and note whether the test passed, for its verdict."""
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    if report.failed and FOLDER in item.stash:
        report.sections.append(("evidence", item.stash[FOLDER]))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hold the pages' tables of claims against a run that judged all of them; a contradiction fails it.

    A worker reports what it left out, and judges nothing.
    """
    report_of_worker(session.config)
    folder = HOME / "runs" / os.environ[RUN]
    if hasattr(session.config, "workerinput") or not folder.is_dir():
        return
    try:
        wrong = verdict_tables.contradictions(list(verdicts.judgements(folder)))
    except LabError as unreadable:
        wrong = [str(unreadable)]
    if wrong and session.exitstatus == pytest.ExitCode.OK:
        session.config.stash[WRONG] = wrong
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Iterator[None]:
    """Say in the end which claims a page tells otherwise, what had not ended or was not run, and what changes it."""
    yield
    if wrong := config.stash.get(WRONG, []):
        terminalreporter.section("a page contradicts this run", red=True)
        terminalreporter.line(f"{', '.join(wrong)}: `lab claims` has this run's; `make pages` writes them")
    left_out = skip_lines(terminalreporter.stats.get("skipped", []))
    for line in [*unfinished_lines(), *left_out, *variation_lines(config)]:
        terminalreporter.line(line)


@pytest.fixture(scope="session", autouse=True)
def _remove_leftovers(request: pytest.FixtureRequest) -> None:
    """Clear away what a killed run left, if this run uses Docker at all."""
    if any(DOCKERLESS.isdisjoint(item.path.parts[len(HOME.parts) :]) for item in request.session.items):
        remove_leftovers()


@pytest.fixture(scope="session", autouse=True)
def _forked_compose() -> Iterator[None]:
    """Start Compose once in each worker that needs it."""
    with forked_compose():
        yield


@pytest.fixture(scope="session")
def _crowd(request: pytest.FixtureRequest) -> Iterator[Lab]:
    # A host costs half a second of processor time, and only variations dial from more than four.
    variations = (item for item in request.session.items if item.get_closest_marker("variation"))
    many = any("crowd" in getattr(item, "fixturenames", ()) for item in variations)
    with laboratory(CLIENTS=20 if many else 4) as lab:
        yield lab


@pytest.fixture
def crowd(_crowd: Lab) -> Iterator[Lab]:
    """Return a lab with 4 idle clients, 20 if a variation has it too, shared by all tests; every slot is free."""
    with shared_use(_crowd):
        yield _crowd


@pytest.fixture(scope="module")
def module_lab() -> Iterator[Callable[..., Lab]]:
    """Return a function: `module_lab(CLIENTS=4)` returns the lab of this module, started when it is first asked for.

    It is one lab at a time: other knobs take it down and start another.
    """
    with contextlib.ExitStack() as stack:

        @functools.lru_cache(maxsize=1)
        def start(**knobs: object) -> Lab:
            stack.close()
            return stack.enter_context(laboratory(**knobs))

        yield start


@pytest.fixture
def shared_lab(module_lab: Callable[..., Lab]) -> Iterator[Callable[..., Lab]]:
    """Return a function: `shared_lab(CLIENTS=4)` returns the lab of this module, with every slot free."""
    with contextlib.ExitStack() as stack:

        def use(**knobs: object) -> Lab:
            lab = module_lab(**knobs)
            stack.enter_context(shared_use(lab))
            return lab

        yield use


@pytest.fixture(scope="session")
def run() -> recorder.RunFolder:
    """Return this run's folder in runs/, with what it ran on."""
    folder = recorder.RunFolder(os.environ[RUN])
    folder.keep("", "machine", engine_machine.described())
    return folder


@pytest.fixture
def keep(run: recorder.RunFolder, request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Return a function: `keep("attempts", data)` keeps evidence of this test as a file; a second one is attempts-2."""
    times: Counter[str] = Counter()

    def write(name: str, data: object) -> None:
        times[name] += 1
        name = name if times[name] == 1 else f"{name}-{times[name]}"
        request.node.stash[FOLDER] = str(run.keep(request.node.name, name, data))

    return write


@pytest.fixture
def watch(keep: Callable[[str, object], None]) -> Callable[[Host], contextlib.AbstractContextManager]:
    """Return the second witness, for `with ... as diff`: what a server's kernel has before and after, kept in runs/."""

    @contextlib.contextmanager
    def diff_of_server(server: Host) -> Iterator[recorder.SnapshotDiff]:
        with recorder.diff_snapshots(server) as diff:
            keep("before", diff.before)
            yield diff
        keep("after", diff.after)
        keep("counters", diff.counters())

    return diff_of_server


@pytest.fixture
def verdict(
    run: recorder.RunFolder, request: pytest.FixtureRequest
) -> Iterator[Callable[[Verdict, str], None]]:
    """Return a function: `verdict(Verdict.REFUTED, "6 connected, 14 dropped")` judges this test's claim.

    The claim is named by `@pytest.mark.claim(id)`. Nothing is kept of a test that failed.
    """
    row: dict[str, str] = {}
    claim = request.node.get_closest_marker("claim").args[0]

    def give(value: Verdict, measured: str) -> None:
        row.update(claim=claim, verdict=value, evidence=measured, test=request.node.nodeid)

    yield give
    if row and request.node.stash.get(PASSED, False):
        run.keep(request.node.name, "verdict", row)
