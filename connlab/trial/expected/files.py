"""Expectations of a YAML file: a list, or a mapping whose keys are what they are about (docs/try.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from connlab.base.errors import Usage
from connlab.trial.answer.vocabulary import OFFICE_FIELDS, PORT_FIELDS
from connlab.trial.expected.grammar import SUBJECTS, parse, parse_subject
from connlab.trial.expected.words import NEXT, Claim, Expectation
from connlab.trial.files import placeholders
from connlab.trial.files.reading import unreadable

FIELDS = {"ports": PORT_FIELDS, "offices": OFFICE_FIELDS}
LARGEST = 1 << 20  # bytes
BESIDE = ".expect.yaml"


def expected(argument: str, knobs: Mapping[str, str]) -> list[Expectation]:
    """Read what `--expect` was given: an expectation, or a file of them, with its placeholders. Raises `Usage`."""
    words = argument.lower().split()
    if any(words[: len(first.split())] == first.split() for first in SUBJECTS):
        return [parse(argument)]
    if not Path(argument).is_file():
        raise Usage(
            f"--expect {argument!r} is neither an expectation nor a file",
            f"an expectation begins with one of {', '.join(map(repr, SUBJECTS))}",
            next_step=NEXT,
        )
    return read_file(Path(argument), knobs)


def read_file(path: Path, knobs: Mapping[str, str]) -> list[Expectation]:
    """Read the expectations of a file; `knobs` are what its placeholders stand for. Raises `Usage`."""
    try:
        data = path.read_bytes()
        if len(data) > LARGEST:
            raise Usage(
                f"{path} is too large for expectations",
                f"it has {len(data):,} bytes, and {LARGEST:,} are read",
                next_step=NEXT,
            )
        return read_text(placeholders.fill(data.decode(), knobs), str(path))
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise Usage(f"{path} is no text", f"byte {error.start} is not UTF-8", next_step=NEXT) from error


def beside(policy: Path) -> Path:
    """Return the file that has what is expected of a policy: `firewall/NAME.expect.yaml` of `firewall/NAME.rules`."""
    return policy.with_name(policy.stem + BESIDE)


def read_text(text: str, name: str) -> list[Expectation]:
    """Read expectations as YAML has them; `name` is that of the file. Raises `Usage` with the line."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise Usage(f"{where} is no YAML", problem, next_step=NEXT) from error
    found = list(_entries(root, name)) if root is not None else []
    if not found:
        raise Usage(f"{name} expects nothing", "it has neither a list nor a mapping", next_step=NEXT)
    return found


def _entries(node: yaml.Node, name: str) -> Iterator[Expectation]:
    """Yield the expectations of a node: a list's entries are texts, or mappings of one or more."""
    where = f"{name}, line {node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _pair(key, value, f"{name}, line {key.start_mark.line + 1}")
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            if isinstance(each, yaml.SequenceNode):
                raise Usage(f"{name}, line {each.start_mark.line + 1}: a list inside a list", next_step=NEXT)
            yield from _entries(each, name)
    else:
        yield parse(node.value, where)


def _pair(key: yaml.Node, value: yaml.Node, where: str) -> Iterator[Expectation]:
    """Yield what a key and its value say: `port 443: 20 per /24`, `no finding: [...]`, `port 443: {limit: 20}`."""
    if not isinstance(key, yaml.ScalarNode):
        raise Usage(f"{where}: a key is a text, as port 443", next_step=NEXT)
    if isinstance(value, yaml.MappingNode):
        yield _by_fields(key.value, value, where)
        return
    values = value.value if isinstance(value, yaml.SequenceNode) else [value]
    for each in values:
        if not isinstance(each, yaml.ScalarNode):
            raise Usage(f"{where}: {key.value!r} is followed by no text", next_step=NEXT)
        is_finding = key.value.split()[-1:] == ["finding"]
        yield parse(f"{key.value} {each.value}" if is_finding else f"{key.value}: {each.value}", where)


def _by_fields(subject: str, node: yaml.MappingNode, where: str) -> Expectation:
    """Read a mapping of fields of the JSON to their values."""
    found = parse_subject(subject, where)
    known = FIELDS[found.of]
    for key, _ in node.value:
        if key.value not in known:
            raise Usage(
                f"{where}: {key.value!r} is no field of {found.of}",
                f"there are {', '.join(known)}",
                next_step=NEXT,
            )
    # A document of this node alone: its values have their types.
    values = yaml.safe_load(yaml.serialize(node))
    claims = [Claim(field, "=", value) for field, value in values.items()]
    shown = ", ".join(f"{field}: {value}" for field, value in values.items())
    return found._replace(text=f"{found.text}: {{{shown}}}", claims=claims)
