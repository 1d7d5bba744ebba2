"""Kernel settings of Compose files and of Kubernetes manifests: each container's, with the lines they stand in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import yaml

from connlab.base.errors import Usage
from connlab.trial.files.forms import Input
from connlab.trial.sysctls.lines import Brought, Group, Remark, Setting, is_key, setting

MERGE = "tag:yaml.org,2002:merge"
# Compose fills in what follows the hyphen where nobody sets the variable.
DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")
Item = tuple[yaml.Node, yaml.Node]


def compose(brought: Input) -> Brought:
    """Read `sysctls` of each service, a mapping or a list; a text without `services` has the services on top."""
    groups, remarks = list[Group](), list[Remark]()
    for document in _documents(brought):
        top = dict(_items(document))
        for name, service in [*_items(top.get("services", document)), ("", document)]:
            parts = dict(_items(service))
            if "sysctls" in parts:
                network = getattr(parts.get("network_mode"), "value", "")
                settings, words = _apart(_of_service(brought, parts["sysctls"]))
                groups.append(Group(f"service {name}".rstrip(), tuple(settings), True, network == "host"))
                remarks += words
    return Brought(groups, remarks)


def _of_service(brought: Input, node: yaml.Node) -> Iterator[Setting | Remark]:
    if isinstance(node, yaml.MappingNode):
        pairs = [(_line(key), str(key.value), ": ", str(value.value)) for key, value in _pairs(node)]
    elif isinstance(node, yaml.SequenceNode):
        pairs = [(_line(each), *str(each.value).partition("=")) for each in node.value]
    else:
        pairs = []
    for line, key, between, value in pairs:
        asked = DEFAULT.sub(r"\1", value)
        if "$" in asked:
            yield Remark(line, f"not tried, Compose fills in a variable: {key} = {value}", left_out=True)
        elif not is_key(key.strip()):
            text = f"not tried, it is no key and value: {key}{between}{value}"
            yield Remark(line, text, left_out=True)
        else:
            if asked != value:
                yield Remark(line, f"tried as where nobody sets the variable: {key} = {asked}")
            yield setting(brought, line, key, asked)


def kubernetes(brought: Input) -> Brought:
    """Read `securityContext.sysctls` of each pod, or template of one: a list of name and value."""
    groups, remarks = list[Group](), list[Remark]()
    for document in _documents(brought):
        for pod, context in _contexts(document, set()):
            host = getattr(pod.get("hostNetwork"), "value", "") == "true"
            settings, words = _apart(_of_pod(brought, dict(_items(context))["sysctls"]))
            groups.append(Group(f"pod {len(groups) + 1}", tuple(settings), True, host))
            remarks += words
    return Brought(groups, remarks)


def _of_pod(brought: Input, node: yaml.Node) -> Iterator[Setting | Remark]:
    for entry in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        parts = dict(_items(entry))
        name, value = parts.get("name"), parts.get("value")
        if not isinstance(name, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            yield Remark(_line(entry), "not tried, it is no name and value", left_out=True)
        elif not is_key(name.value.strip()):
            yield Remark(_line(name), f"not tried, {name.value} is no key", left_out=True)
        else:
            if value.tag != "tag:yaml.org,2002:str":
                text = f"{name.value}: {value.value} is not in quotes, and Kubernetes refuses what is no text"
                yield Remark(_line(value), text, refuses=True)
            yield setting(brought, _line(name), name.value, value.value)


def _apart(found: Iterable[Setting | Remark]) -> tuple[list[Setting], list[Remark]]:
    everything = list(found)
    settings = [each for each in everything if isinstance(each, Setting)]
    return settings, [each for each in everything if isinstance(each, Remark)]


def _contexts(node: yaml.Node, seen: set[int]) -> Iterator[tuple[dict[str, yaml.Node], yaml.Node]]:
    """Yield each security context with sysctls, and the mapping that it is in; each node once, as aliases repeat."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _contexts(each, seen)
    for name, value in _items(node):
        if name == "securityContext" and "sysctls" in dict(_items(value)):
            yield dict(_items(node)), value
        else:
            yield from _contexts(value, seen)


def _documents(brought: Input) -> list[yaml.Node]:
    """Read the text. Raises `Usage` with the place if it is no YAML."""
    try:
        return list(yaml.compose_all(brought.text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise Usage(
            f"{brought.path} is no YAML",
            " ".join(str(error).split()),
            next_step="mend the place that it names, or bring the keys as lines of sysctl.conf",
        ) from None


def _items(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    return [(str(key.value), value) for key, value in _pairs(node)]


def _pairs(node: yaml.Node | None, within: Sequence[yaml.Node] = ()) -> list[Item]:
    """Return the pairs of a mapping, those that `<<` merges in first; none of what is no mapping, or merges itself."""
    if not isinstance(node, yaml.MappingNode) or node in within:
        return []
    merged: list[Item] = []
    own = []
    for key, value in node.value:
        if key.tag == MERGE:
            for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                merged += _pairs(each, [*within, node])
        else:
            own.append((key, value))
    names = {key.value for key, _ in own if isinstance(key, yaml.ScalarNode)}
    return [pair for pair in merged if pair[0].value not in names] + own


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
