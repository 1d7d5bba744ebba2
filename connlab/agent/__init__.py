"""Sessions with the agents that client hosts run at our order (docs/agent.md)."""
