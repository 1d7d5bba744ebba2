"""Concurrency models, one file each: `build(settings)` returns a server with a bound, listening socket.

A server has `socket`, `serve_forever()`, `shutdown()` and `server_close()`, as in socketserver.
To add a mode, add a file; its name is the value of SERVER_MODE.
"""
