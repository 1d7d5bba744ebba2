"""Hosts that are network namespaces of one container without a capability: rules are loaded, dialled and traced."""
