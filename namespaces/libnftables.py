"""libnftables, the library that the program nft consists of (libnftables(3), nftables/libnftables.h)."""

from __future__ import annotations

import ctypes
import functools

WITH_HANDLES = 1 << 3  # NFT_CTX_OUTPUT_HANDLE
FUNCTIONS: dict[str, tuple[object, list[object]]] = {
    "nft_ctx_new": (ctypes.c_void_p, [ctypes.c_uint32]),
    "nft_ctx_free": (None, [ctypes.c_void_p]),
    "nft_ctx_output_set_flags": (None, [ctypes.c_void_p, ctypes.c_uint]),
    "nft_ctx_buffer_output": (ctypes.c_int, [ctypes.c_void_p]),
    "nft_ctx_buffer_error": (ctypes.c_int, [ctypes.c_void_p]),
    "nft_ctx_get_output_buffer": (ctypes.c_char_p, [ctypes.c_void_p]),
    "nft_ctx_get_error_buffer": (ctypes.c_char_p, [ctypes.c_void_p]),
    "nft_run_cmd_from_buffer": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
}


class Context:
    """The rules of the network namespace that the process is in now, wherever it goes later.

    Lists have handles, as those of `nft -a`. Its descriptor must be below 1,024: the library waits with select(2).
    """

    def __init__(self) -> None:
        library = _library()
        self._context = library.nft_ctx_new(0)
        library.nft_ctx_output_set_flags(self._context, WITH_HANDLES)
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)

    def run(self, text: bytes) -> tuple[int, bytes, bytes]:
        """Run commands, all or none: 0 or another status, what they print, errors."""
        library = _library()
        status = library.nft_run_cmd_from_buffer(self._context, text)
        said = library.nft_ctx_get_output_buffer(self._context)
        return status, said, library.nft_ctx_get_error_buffer(self._context)

    def close(self) -> None:
        """Let go of the namespace."""
        _library().nft_ctx_free(self._context)


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libnftables.so.1")
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
