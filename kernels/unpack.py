"""One of Debian's kernels from its packages: what a guest boots, and the modules that a lab needs, in order.

`modules/` are loaded when it boots; those that only somebody's own rules need are in `modules/more/`.

`python3 -m kernels.unpack PACKAGE=VERSION...` makes /kernel/vmlinuz, /kernel/modules.cpio.gz and /kernel/facts.json.
"""

from __future__ import annotations

import glob
import gzip
import json
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from kernels import cpio
from kernels.archive import options

THERE = "/kernel"
SIGNED, LENGTH = b"~Module signature appended~\n", struct.Struct(">8xI")  # linux/module_signature.h
MODULES = (
    "bridge", "veth", "ip_tables", "iptable_filter", "iptable_nat", "iptable_mangle", "iptable_raw",
    "ip6_tables", "ip6table_filter", "xt_tcpudp", "xt_connlimit", "xt_conntrack", "xt_state", "xt_multiport",
    "xt_hashlimit", "xt_recent", "xt_limit", "xt_comment", "xt_mark", "xt_LOG", "xt_NFLOG", "ipt_REJECT",
    "ip6t_REJECT", "nfnetlink_log", "nf_log_syslog", "nf_tables", "nft_compat", "nft_connlimit", "nft_ct",
    "nft_limit", "nft_log", "nft_nat", "nft_masq", "nft_chain_nat", "nft_reject_inet", "nft_reject_ipv4",
    "nft_reject_ipv6", "nft_counter", "nf_conntrack_netlink", "tcp_diag", "inet_diag", "unix_diag",
    "virtio_net", "virtio_pci", "virtio_console",
)  # fmt: skip
# Of these folders every match, target and expression that rules may name, and what tracks and translates.
RULES = "kernel/net/netfilter", "kernel/net/ipv4/netfilter", "kernel/net/ipv6/netfilter"
OF_RULES = re.compile(
    r"(?:xt|ipt|ip6t|nft|ip_set|nf_conntrack|nf_nat|nf_log|nf_dup|nf_socket|nf_tproxy)_|iptable_|ip6table_"
)


def main(packages: list[str]) -> None:
    """Download, unpack, and keep what is needed. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["apt-get", *options(), "download", *packages], check=True, cwd=folder, stdout=sys.stderr
        )
        for package in glob.glob(f"{folder}/*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, f"{folder}/root"], check=True)
        keep(f"{folder}/root")


def keep(root: str) -> None:
    """Keep the kernel and its modules, as a cpio archive with their order in their names."""
    os.makedirs(THERE, exist_ok=True)
    (image,) = glob.glob(f"{root}/boot/vmlinuz-*") + glob.glob(f"{root}/usr/lib/modules/*/vmlinuz")
    shutil.copy(image, f"{THERE}/vmlinuz")
    (folder,) = (
        path
        for path in glob.glob(f"{root}/**/lib/modules/*", recursive=True)
        if os.path.isdir(f"{path}/kernel")
    )
    built_in = {
        name for path in glob.glob(f"{root}/**/modules.builtin", recursive=True) for name in _names(path)
    }
    found = {_name(path): path for path in glob.glob(f"{folder}/kernel/**/*.ko*", recursive=True)}
    order: list[tuple[str, bytes]] = []
    missing = [name for name in MODULES if not _add(name, found, order) and name not in built_in]
    count = len(order)
    for name, path in sorted(found.items()):
        if OF_RULES.match(name) and os.path.dirname(os.path.relpath(path, folder)) in RULES:
            _add(name, found, order)
    with gzip.open(f"{THERE}/modules.cpio.gz", "wb", 6) as out:
        files = (
            (f"modules/{'' if number < count else 'more/'}{number:03d}-{name}.ko", 0o100644, data)
            for number, (name, data) in enumerate(order)
        )
        cpio.write(out, (("modules", 0o040755, b""), ("modules/more", 0o040755, b""), *files))
    with open(f"{THERE}/facts.json", "w", encoding="ascii") as file:
        json.dump({"uname": os.path.basename(folder), "missing": missing}, file)


def _add(name: str, found: dict[str, str], order: list[tuple[str, bytes]]) -> bool:
    """Add a module after those that it depends on (the field `depends` of its own information)."""
    if any(name == added for added, _ in order):
        return True
    if name not in found:
        return False
    with open(found[name], "rb") as file:
        data = file.read()
    data = _unsigned(lzma.decompress(data) if found[name].endswith(".xz") else data)
    match = re.search(rb"(?:^|\0)depends=([^\0]*)\0", data)
    for other in match[1].decode().split(",") if match and match[1] else []:
        _add(other.replace("-", "_"), found, order)
    order.append((name, data))
    return True


def _unsigned(module: bytes) -> bytes:
    """Return a module without its signature: apt has checked the package's, and to check 60 costs a guest a second."""
    if not module.endswith(SIGNED):
        return module
    end = len(module) - len(SIGNED) - LENGTH.size
    return module[: end - LENGTH.unpack_from(module, end)[0]]


def _names(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return [_name(line.strip()) for line in file]


def _name(path: str) -> str:
    return os.path.basename(path).partition(".ko")[0].replace("-", "_")


if __name__ == "__main__":
    main(sys.argv[1:])
