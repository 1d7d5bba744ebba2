"""What the agent can do: a function for each request of docs/agent.md (client/verbs.py is the table).

Each gets the connections that are held ({number: socket}) and the request, and returns the answer, records of
client/protocol.py both. Raises BadRequest or OSError; both become the answer's `error`.
"""
