#!/usr/bin/python3 -IS
"""Stands at the place of iptables, nft and sysctl while a script runs (namespaces/script.py): runs the real tool, and
tells who called it, with which words, what it said and how it ended.

It is a program of its own, because it starts for each line of a script: it imports what Python has in itself.
"""

import _socket
import posix
import sys

REAL = "/opt/connlab/tools/"
CALLS = "\0connlab-calls"  # belongs to the network namespace, and is no file that a script could remove
LINE = b"CONNLAB_LINE"  # set by namespaces/prelude.bash
MOST_INPUT, MOST_ERRORS = 1 << 22, 1 << 14  # bytes
LARGE = 8192  # bytes: no more rules than fit into one message (namespaces/pieces.py)
LISTING = {"-L", "--list", "-S", "--list-rules", "list", "-V", "--version", "-h", "--help", "monitor"}
REGULAR = 0o10  # of stat(2), S_IFREG
LOADS = {"-f", "--file", "-p", "--load"}
SYSTEM, CONF = "/etc/sysctl.d/", "/etc/sysctl.conf"
STDIN = {"-", "/dev/stdin", "/proc/self/fd/0"}


def main() -> None:
    """Run the real tool as if nobody stood between."""
    name = sys.argv[0].rsplit("/", 1)[-1]
    words = sys.argv[1:]
    real = name.replace("-legacy", "") if name.replace("-legacy", "") in posix.listdir(REAL) else name
    notes = connect()
    if notes is None or real.endswith("-save"):
        posix.execv(REAL + real, [real, *words])
    text, fed = given(real, words)
    line = posix.environ.get(LINE, b"")
    # Who lists takes no turn: its reader may be the next one to change something.
    kind = "look" if LISTING.intersection(words) else "change"
    send(notes, kind, line.decode(errors="replace"), name, text, *words)
    notes.recv(1)
    status, errors = feed(real, words, text) if fed else run(real, words)
    send(notes, str(status), errors)
    notes.recv(1)
    posix._exit(status if status >= 0 else 128 - status)


def connect() -> _socket.socket | None:
    """Return a connection to who takes notes; None if nobody does."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(CALLS)
    except OSError:
        return None
    return sock


def send(sock: _socket.socket, *words: str) -> None:
    """Send words, each ended by a zero byte; before them their length in 8 bytes."""
    data = b"".join(word.encode(errors="surrogateescape") + b"\0" for word in words)
    data = len(data).to_bytes(8, "big") + data
    while data:
        data = data[sock.send(data) :]


def given(name: str, words: list[str]) -> tuple[str, bool]:
    """Return the text that the tool will read, and whether of its standard input.

    That is taken before the tool's turn: who writes it may need a turn.
    """
    if name.endswith("-restore"):
        files = [word for word in words if not word.startswith("-")]
    elif name == "sysctl" and "--system" in words:
        found = [SYSTEM + name for name in sorted(posix.listdir(SYSTEM)) if name.endswith(".conf")]
        return "".join(file_text(path) for path in [*found, CONF]), False
    elif name == "nft" or (name == "sysctl" and any(map(loads, words))):
        files = [words[at + 1] for at, word in enumerate(words[:-1]) if loads(word)]
        if not files and name == "nft":
            return "", False
        files = files or [CONF]
    else:
        return "", False
    if not files or files[-1] in STDIN:
        return read(0, MOST_INPUT), True
    return file_text(files[-1]), False


def loads(word: str) -> bool:
    """Tell whether an option is followed by a file; short ones may stand together, as in `sysctl -qp FILE`."""
    return word in LOADS or (word[:1] == "-" != word[1:2] and word[-1:] == "p")


def file_text(path: str) -> str:
    """Read a file; nothing of what is no file, as a pipe, which gives its text once, or cannot be read."""
    try:
        return (
            read(posix.open(path, posix.O_RDONLY), MOST_INPUT)
            if posix.stat(path).st_mode >> 12 == REGULAR
            else ""
        )
    except OSError:
        return ""


def read(descriptor: int, most: int, copy: int = -1) -> str:
    """Read to the end, and keep as much as `most` bytes; all of it goes on to `copy`."""
    kept = b""
    while piece := posix.read(descriptor, 1 << 16):
        if copy >= 0:
            posix.write(copy, piece)
        kept += piece[: most - len(kept)]
    return kept.decode(errors="surrogateescape")


def feed(name: str, words: list[str], text: str) -> tuple[int, str]:
    """Run the tool with a text as its input: iptables-restore with a large one in pieces."""
    if not name.endswith("-restore") or len(text) < LARGE:
        return run(name, words, text)
    sys.path.append("/opt/connlab")
    from namespaces.pieces import pieces

    for piece, goes_on in pieces(text):
        status, errors = run(name, [*words, "--noflush"] if goes_on else words, piece)
        if status:
            break
    return status, errors


def run(name: str, words: list[str], text: str | None = None) -> tuple[int, str]:
    """Run the tool, with a text as its input if there is one; its exit status, negative for a signal, and errors."""
    source, sink = posix.pipe()
    stdin = -1
    if text is not None:
        stdin = posix.memfd_create("input")
        posix.write(stdin, text.encode(errors="surrogateescape"))
        posix.lseek(stdin, 0, 0)
    child = posix.fork()
    if not child:
        if text is not None:
            posix.dup2(stdin, 0)
        posix.dup2(sink, 2)
        posix.execv(REAL + name, [name, *words])
    posix.close(sink)
    errors = read(source, MOST_ERRORS, 2)
    status = posix.waitpid(child, 0)[1]
    return (posix.WEXITSTATUS(status) if posix.WIFEXITED(status) else -posix.WTERMSIG(status)), errors


if __name__ == "__main__":
    main()
