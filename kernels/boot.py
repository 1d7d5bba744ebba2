"""Boots a guest: QEMU without an accelerator or a device of the machine's, its console on standard output.

`python3 -m kernels.boot CPUS MEGABYTES INITRD KERNEL`: where the guest's root is put together, and its kernel unpacked.
"""

from __future__ import annotations

import gzip
import os
import shutil
import sys

from kernels import vmlinux
from kernels.commands import PORT

# Without what costs an emulated processor seconds and changes nothing here: it tries no ciphers, clears no new page,
# and is not moved in memory. The timer of each processor would be measured for 0.1 s against the clock, and each look
# at it ends a block of translated code: 4 s; the HPET serves both. On a machine with much other work its timer looks
# broken, and the kernel panics ("IO-APIC + timer doesn't work").
ARGUMENTS = (
    "console=ttyS0 panic=-1 quiet loglevel=4 mitigations=off cryptomgr.notests init_on_alloc=0 no_timer_check"
    " nolapic_timer nokaslr rdinit=/init"
)
PACKED = "/kernel/vmlinuz"
# What a processor has that makes an emulated one slow. With ERMS and FSRM the kernel copies and clears byte by byte;
# the others are checks at each access to memory of a process, deeper page tables, and registers to save.
WITHOUT = "erms", "fsrm", "smap", "smep", "pcid", "la57", "umip", "pku", "avx512f", "avx2", "avx", "xsave"
CPU = ",".join(("max", *(f"{feature}=off" for feature in WITHOUT)))
# While a processor of the guest works, its clock counts instructions, 2**1 ns each, and not the machine's time: a burst
# of dials takes as long there whatever other work the machine has. One thread for all processors is what that takes.
# With 2**0 the guest boots more slowly, as loops that wait for a time take more instructions; with 2**3 no 40 dials are
# within three jiffies any more.
CLOCK = ("-accel", "tcg,thread=single,tb-size=80", "-icount", "shift=1")


def main(cpus: str, megabytes: str, initrd: str, unpacked: str) -> None:
    """Become the guest."""
    with open(initrd, "wb") as whole:
        with open("/guest/root.cpio", "rb") as root:
            shutil.copyfileobj(root, whole)
            # Or what was read of it counts as this guest's memory.
            os.posix_fadvise(root.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with gzip.open("/kernel/modules.cpio.gz") as modules:  # it would be slow in emulation
            shutil.copyfileobj(modules, whole)
    kernel = _kernel(unpacked)
    network = f"user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:{PORT}-:{PORT}"
    argv = [
        "qemu-system-x86_64", "-machine", "q35", *CLOCK, "-cpu", CPU, "-smp", cpus, "-m", megabytes,
        "-nodefaults", "-display", "none", "-no-reboot", "-kernel", kernel,
        "-initrd", initrd, "-append", ARGUMENTS, "-serial", "stdio", "-netdev", network,
        "-device", "virtio-net-pci,netdev=n,romfile=",
    ]  # fmt: skip
    os.execvp(argv[0], argv)


def _kernel(unpacked: str) -> str:
    """Return the path of what QEMU starts: the kernel itself, if it can be had out of its image, else the image."""
    with open(PACKED, "rb") as image:
        kernel = vmlinux.unpack(image.read())
    if kernel is None:
        return PACKED
    with open(unpacked, "wb") as file:
        file.write(kernel)
    return unpacked


if __name__ == "__main__":
    main(*sys.argv[1:])
