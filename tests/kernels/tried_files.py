"""The files that are tried in a guest."""

from __future__ import annotations

LIMIT = 3  # an emulated processor is slow, and a trial dials ten more, some forty times
RULES = f"""*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp --syn --dport 8081 -m connlimit --connlimit-above {LIMIT} -j REJECT --reject-with tcp-reset
-A INPUT -p tcp --syn --dport 8082 -m hashlimit --hashlimit-name x --hashlimit-above 2/sec -j DROP
COMMIT
"""
CONF = """net.ipv4.tcp_tw_reuse = 1
net.ipv4.tcp_tw_recycle = 1
vm.swappiness = 10
kernel.shmmax = 123456789
"""
