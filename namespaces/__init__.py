"""Hosts that are network namespaces of one container without any capability: rules are loaded, dialled and traced here."""
