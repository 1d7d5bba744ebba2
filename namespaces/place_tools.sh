#!/bin/sh
# Puts namespaces/shim.py where a script looks for its tools; the real ones are in /opt/connlab/tools, which comes first
# in the PATH of all else. Runs while the image is built.
set -eu
tools=/opt/connlab/tools
shim=/opt/connlab/namespaces/shim.py
mkdir "$tools"
mv /usr/sbin/nft /usr/sbin/sysctl "$tools"
ln -s "$shim" /usr/sbin/nft
ln -s "$shim" /usr/sbin/sysctl
for tool in iptables ip6tables; do
  for part in '' -save -restore; do
    for name in "$tool$part" "$tool-nft$part"; do
      ln -s /usr/sbin/xtables-nft-multi "$tools/$name"
    done
    for name in "$tool$part" "$tool-nft$part" "$tool-legacy$part"; do
      ln -sf "$shim" "/usr/sbin/$name"
    done
  done
done
install -m 755 /opt/connlab/namespaces/sudo /usr/local/bin/sudo
for name in modprobe rmmod depmod service systemctl logger netfilter-persistent update-rc.d chkconfig; do
  install -m 755 /opt/connlab/namespaces/nothing "/usr/local/sbin/$name"
  rm -f "/usr/sbin/$name"
  ln -s "/usr/local/sbin/$name" "/usr/sbin/$name"
done
while read -r path; do
  path=${path%/}
  rm -rf "$path"
  mkdir -p "$(dirname "$path")"
  ln -s "/run/connlab$path" "$path"
done </opt/connlab/namespaces/writable
# There is no resolver: a name of a host is not found at once, and not after a minute.
printf '%s: files\n' passwd group shadow hosts networks protocols services ethers rpc >/etc/nsswitch.conf
chmod a+x "$shim"
chmod 1777 /run # where scripts put locks; an engine gives a tmpfs the mode of the folder
