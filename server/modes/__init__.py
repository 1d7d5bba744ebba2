"""Concurrency models, one file each: `build(settings, connections)` returns a server that listens.

The server is a `ModeServer` (server/mode_loader.py), and has, as in socketserver, `socket`, `request_queue_size`,
`serve_forever(poll_interval)`, `shutdown()` (returns when serving has ended; the connections are closed meanwhile, and
`connections.stopping` is set before) and `server_close()`. Every connection that it accepts goes through
`connections.track`, or, if other processes accept, `connections.enter`. To add a mode, add a file; its name is the
value of SERVER_MODE.

The tests of every mode (tests/unit/server/modes/) read in its file `BACKLOG`, its own backlog; `SERVED_AT_ONCE`, how
many clients it serves at a time: a number, the name of the knob that has it, or None for as many as there are; and
`KNOBS`, those of GREETING, HANDLER and POOL_SIZE that it takes.
"""
