# Makes $1 hosts the way ip-netns(8) is used, on one bridge: a namespace, a veth pair and an address each. They go with
# the container. Prints when it began and when they were there, in seconds.
set -eu
now() { date +%s.%N; }
ip link add lab type bridge
ip link set lab up
began=$(now)
i=0
while [ "$i" -lt "$1" ]; do
    i=$((i + 1))
    ip netns add "c$i"
    ip link add "v$i" type veth peer name eth0 netns "c$i"
    ip link set "v$i" master lab up
    ip -n "c$i" address add "10.0.$((i / 250)).$((i % 250 + 1))/16" dev eth0
    ip -n "c$i" link set eth0 up
    ip -n "c$i" link set lo up
done
echo "$began $(now)"
