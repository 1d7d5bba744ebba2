"""Which events of a trace reach us: a program of the classic BPF, which the kernel runs for each before it wakes us.

Two of three say nothing: where a chain has no more rules, and the policies of our own chains.
"""

from __future__ import annotations

import ctypes
import socket
import struct

ATTACH_FILTER = 26  # SO_ATTACH_FILTER, asm-generic/socket.h
ATTRIBUTES = 20  # bytes of a message before them: those of nlmsghdr and of nfgenmsg
# linux/bpf_common.h, linux/filter.h; the last gives the place of the attribute X of those that begin at A, or 0.
LOAD_A, LOAD_X, LOAD, LOAD_AT_X, COPY_TO_X, IF_EQUAL, RETURN = 0x00, 0x01, 0x20, 0x40, 0x07, 0x15, 0x06
FIND_ATTRIBUTE = 0xFFFFF000 + 12  # SKF_AD_OFF + SKF_AD_NLATTR
KEEP, DROP = 0xFFFFFFFF, 0
TABLE, HANDLE, TYPE, RULE = 1, 3, 4, 3  # NFTA_TRACE_*, NFT_TRACETYPE_RULE

Instruction = tuple[int, int, int, int]  # code, steps over if true, if false, operand


def _find(attribute: int) -> list[Instruction]:
    return [(LOAD_A, 0, 0, ATTRIBUTES), (LOAD_X, 0, 0, attribute), (LOAD, 0, 0, FIND_ATTRIBUTE)]


def program(table: str) -> list[Instruction]:
    """Keep rules, not the ends of chains, which have no handle; and of other events those of other tables."""
    name = table.encode() + b"\0"
    name += bytes(-len(name) % 4)
    words = struct.unpack(f">{len(name) // 4}I", name)
    named: list[Instruction] = []
    for number, word in enumerate(words):
        to_the_end = 2 * (len(words) - number - 1)
        named += [(LOAD_AT_X, 0, 0, 4 + 4 * number), (IF_EQUAL, 0, to_the_end + 1, word)]
    of_others = [*_find(TABLE), (COPY_TO_X, 0, 0, 0), *named, (RETURN, 0, 0, DROP), (RETURN, 0, 0, KEEP)]
    of_a_rule = [*_find(HANDLE), (IF_EQUAL, 0, 1, 0), (RETURN, 0, 0, DROP), (RETURN, 0, 0, KEEP)]
    kind = [*_find(TYPE), (COPY_TO_X, 0, 0, 0), (LOAD_AT_X, 0, 0, 4)]
    return [*kind, (IF_EQUAL, 0, len(of_a_rule), RULE), *of_a_rule, *of_others]


def attach(sock: socket.socket, instructions: list[Instruction]) -> None:
    """Have the kernel keep from a socket what the program drops."""
    code = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    held = ctypes.create_string_buffer(code)
    sock.setsockopt(
        socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("@HP", len(instructions), ctypes.addressof(held))
    )
