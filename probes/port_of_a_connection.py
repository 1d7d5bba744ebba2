"""Whether a listener can have the port that connect(2) took for an outgoing connection.

`python3 port_of_a_connection.py` prints a JSON object: what connect(2) says beside a listener of that port, and what
bind(2) and listen(2) say, without and with SO_REUSEADDR, while a connection has it and in TIME_WAIT. It wants a range
of local ports with one port in it, and a host on which nobody else dials.
"""

import errno
import json
import socket

SERVER = ("127.0.0.1", 9000)


def listening(address: str, port: int, reuse: int) -> str:
    """Return the name of the errno, or "listens"."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        try:
            listener.bind((address, port))
            listener.listen()
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return "listens"


def main() -> None:
    """Print what was said."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        port = int(file.read().split()[0])
    server = socket.create_server(SERVER)
    said: dict[str, object] = {}
    with socket.create_server(("0.0.0.0", port)), socket.socket() as client:
        said["beside a listener"] = errno.errorcode.get(client.connect_ex(SERVER), "connected")
    with socket.create_connection(SERVER):
        accepted, _ = server.accept()
        said["connected"] = [listening("0.0.0.0", port, reuse) for reuse in (0, 1)]
        said["another address"] = listening("127.0.0.2", port, 0)
    accepted.close()
    said["TIME_WAIT"] = [listening("0.0.0.0", port, reuse) for reuse in (0, 1)]
    print(json.dumps(said))


if __name__ == "__main__":
    main()
