"""Concurrency models, one file each: `build(settings, connections)` returns a server that listens.

The server is a `ModeServer` (server/mode_loader.py), and has, as in socketserver, `socket`, `request_queue_size`,
`serve_forever(poll_interval)`, `shutdown()` (returns when serving has ended; the connections are closed meanwhile, and
`connections.stopping` is set before) and `server_close()`. Every connection that it accepts goes through
`connections.track`. To add a mode, add a file; its name is the value of SERVER_MODE.
"""
