"""Boots a guest: QEMU without an accelerator or a device of the machine's, its console on standard output.

`python3 -m kernels.boot CPUS MEGABYTES`
"""

from __future__ import annotations

import os
import sys

from kernels.commands import PORT

ARGUMENTS = "console=ttyS0 panic=-1 quiet loglevel=4 mitigations=off rdinit=/init"


def main(cpus: str, megabytes: str) -> None:
    """Become the guest."""
    with open("/tmp/initrd", "wb") as initrd:
        for path in ("/guest/root.cpio", "/kernel/modules.cpio"):
            with open(path, "rb") as file:
                while data := file.read(1 << 20):
                    initrd.write(data)
    network = f"user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:{PORT}-:{PORT}"
    argv = [
        "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", cpus,
        "-m", megabytes, "-nodefaults", "-display", "none", "-no-reboot", "-kernel", "/kernel/vmlinuz",
        "-initrd", "/tmp/initrd", "-append", ARGUMENTS, "-serial", "stdio", "-netdev", network,
        "-device", "virtio-net-pci,netdev=n,romfile=",
    ]  # fmt: skip
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main(*sys.argv[1:])
