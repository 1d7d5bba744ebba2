"""Which local ports connect(2) takes for one address and port, by what else is bound to one of them.

`python3 local_ports.py` prints a JSON object of lists of ports: with `nothing` bound, with the fifth of these ports
`bound` on another address of loopback, without and with SO_REUSEADDR, with a `listener` there, and with nothing again.
It takes every port of net.ipv4.ip_local_port_range, so that is to be small, and nobody else dials on the host.
"""

import errno
import json
import socket

SERVER = ("127.0.0.1", 9000)
OTHER = "127.0.0.11"
LINGER_0 = bytes([1, *[0] * 7])  # struct linger: closed with RST, so no TIME_WAIT (socket(7))
WAYS = {"bound": (0, False), "bound, SO_REUSEADDR": (1, False), "listener": (1, True)}


def taken(server: socket.socket) -> list[int]:
    """Dial until there is no port left; returns the ports that connect(2) took, none of which is used afterwards."""
    clients: list[socket.socket] = []
    while True:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        try:
            client.connect(SERVER)
        except OSError as error:
            client.close()
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            break
        clients.append(client)
        server.accept()[0].close()
    ports = sorted(client.getsockname()[1] for client in clients)
    for client in clients:
        client.close()
    return ports


def main() -> None:
    """Print the lists."""
    with socket.create_server(SERVER, backlog=64) as server:
        ports = {"nothing": taken(server)}
        for way, (reuse, listens) in WAYS.items():
            with socket.socket() as other:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
                other.bind((OTHER, ports["nothing"][4]))
                if listens:
                    other.listen()
                ports[way] = taken(server)
        ports["nothing any more"] = taken(server)
    print(json.dumps(ports))


if __name__ == "__main__":
    main()
