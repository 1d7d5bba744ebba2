"""What a profile of kernel settings says: the keys and values of a Compose fragment, as the kernel writes them.

The lab and the image of plain Compose read profiles with this module alone; the hosts get what it wrote, in the
form of sysctl.conf(5). `python3 profile_reader.py FILE...` writes `NAME.conf` beside each `NAME.yaml`.
What the three Composes make of a value was measured with 1.29.2, 2.40.3 and 5.6.1; one that they do not all take
for the same is refused (docs/design.md, decision 29).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

REMOVED = "x-removed-from-linux"  # keys that are told and not set: a host would not start with them
PORTS = "net.ipv4.ip_local_reserved_ports"
KEY = r"[a-z]\w*(\.[\w-]+)+"
NUMBER = r"0|-?[1-9][0-9]{0,17}"  # not quoted; longer ones become floating-point numbers in Compose 2
WORD = r"(?!(?i:y|n|yes|no|on|off|true|false|null)$)[A-Za-z][\w-]*"
NOT_QUOTED = rf"{NUMBER}|{WORD}|\S+(?: +\S+)+"


class BadProfile(ValueError):
    """A profile cannot be read, or Compose would not read it so; the text says what and where."""


class _Scalar(str):
    """A value with the mark of how it was written: `style` is None without quotes."""

    style: str | None = None
    line = 0


class _Loader(yaml.SafeLoader):
    """YAML whose scalars stay as written, and whose keys are there once."""

    def construct_scalar(self, node: Any) -> Any:
        scalar = _Scalar(super().construct_scalar(node))
        scalar.style, scalar.line = node.style, node.start_mark.line + 1
        return scalar

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys: set[str] = set()
        for key, _ in node.value:
            if key.value in keys and key.value != "<<":
                raise BadProfile(f"line {key.start_mark.line + 1}: {key.value} is there twice")
            keys.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


for _tag in ("str", "int", "float", "bool", "null", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_scalar)


def read(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Read the keys that Compose sets on a host of this profile, and those that are only told. Raises `BadProfile`."""
    try:
        profile = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise BadProfile(" ".join(str(error).split())) from None
    host = _part(_part(profile, "services"), "host")
    if "extends" in host:
        raise BadProfile(
            "services.host extends another file, which only Compose would read; use YAML's anchors"
        )
    if "sysctls" not in host:
        raise BadProfile("services.host has no `sysctls`")
    return _keys(host["sysctls"], "sysctls"), _keys(profile.get(REMOVED, {}), REMOVED)


def conf(text: str) -> str:
    """Write a profile in the form of sysctl.conf(5), what is only told first. Raises `BadProfile`."""
    applied, removed = read(text)
    return "".join(f"{key} = {value}\n" for key, value in {**removed, **applied}.items())


def _part(mapping: object, name: str) -> Mapping[Any, Any]:
    part = mapping.get(name) if isinstance(mapping, dict) else None
    if not isinstance(part, dict):
        raise BadProfile(f"it has no mapping `services: host: sysctls:` (looked for `{name}`)")
    return part


def _keys(mapping: object, where: str) -> dict[str, str]:
    """Keys and values of a mapping or of a list of KEY=VALUE."""
    if isinstance(mapping, list):
        pairs = [_pair(item, where) for item in mapping]
    elif isinstance(mapping, dict):
        pairs = [(key, _value(value, str(key))) for key, value in mapping.items()]
    else:
        raise BadProfile(f"{where} is neither a mapping nor a list")
    for key, _ in pairs:
        if not re.fullmatch(KEY, str(key), re.ASCII):
            raise BadProfile(f"{str(key)!r} is not the name of a kernel setting (net.ipv4.tcp_fin_timeout)")
    keys = {str(key): value for key, value in pairs}
    if len(keys) < len(pairs):
        raise BadProfile(f"{where} has a key twice")
    return keys


def _pair(item: object, where: str) -> tuple[str, str]:
    key, equals, value = str(item).partition("=")
    if not isinstance(item, str) or not equals:
        raise BadProfile(f"{where}: {item} is not KEY=VALUE")
    return key, _as_kernel(value, key)


def _value(value: object, key: str) -> str:
    if not isinstance(value, _Scalar):
        raise BadProfile(f"{key} is neither a number nor a text")
    if value and value.style is None and not re.fullmatch(NOT_QUOTED, value):
        raise BadProfile(
            f"line {value.line}: {key}: {value} is read in different ways by different versions of Compose;"
            " write a whole decimal number, or put the value in quotes"
        )
    return _as_kernel(value, key)


def _as_kernel(value: str, key: str) -> str:
    """Write a value as /proc/sys shows it: one blank between words, decimal, port ranges (docs/kernel.md T26)."""
    if "$" in value:
        raise BadProfile(f"{key}: {value}: Compose puts variables in the place of a $, and a host would not")
    words = " ".join(_decimal(word) for word in value.split())
    if not words:
        raise BadProfile(f"{key} has no value")
    if not words.isprintable():
        raise BadProfile(f"{key}: {value!r} has characters that cannot be printed")
    return _ranges(words) if key == PORTS else words


def _decimal(word: str) -> str:
    if re.fullmatch(r"-?0[xX][0-9a-fA-F]+", word):
        return str(int(word, 16))
    return str(int(word, 8)) if re.fullmatch(r"-?0[0-7]+", word) else word


def _ranges(words: str) -> str:
    """Write a list of ports as the kernel does: `8080,8081` is `8080-8081`; one that it would refuse stays."""
    ports: set[int] = set()
    for part in words.split(","):
        ends = [_decimal(end) for end in part.split("-")]
        if not all(re.fullmatch(r"[0-9]{1,5}", end) for end in ends) or len(ends) > 2:
            return words
        low, high = int(ends[0]), int(ends[-1])
        if low > high:
            return words
        ports.update(range(low, high + 1))
    firsts = [port for port in sorted(ports) if port - 1 not in ports]
    lasts = [port for port in sorted(ports) if port + 1 not in ports]
    pairs = zip(firsts, lasts, strict=True)
    return ",".join(f"{low}-{high}" if high > low else str(low) for low, high in pairs)


def main(names: list[str]) -> None:
    """Write each profile's conf; one that is bad ends the process with its name and why."""
    for name in names:
        path = Path(name)
        try:
            path.with_suffix(".conf").write_text(conf(path.read_text()))
        except (BadProfile, UnicodeDecodeError) as error:
            sys.exit(f"sysctl/{path.name}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
