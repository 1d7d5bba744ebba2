"""What a host's kernel says, as values: rules, sockets, conntrack, counters; and what a policy promises."""
