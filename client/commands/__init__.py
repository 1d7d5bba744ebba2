"""What the agent can do: a function for each verb of docs/agent.md (client/verbs.py is the table).

Each gets the connections that are held ({number: socket}) and the fields of the request, checked, and
returns the fields of the answer; a field `partial` is a function that tells an attempt at once, or None.
Raises BadRequest or OSError; both become the answer's `error`.
"""
