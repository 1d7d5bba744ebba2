"""The server host: applies its own policy, drops every privilege, then listens."""
