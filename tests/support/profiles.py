"""Profiles of one meaning in every form that YAML and Compose allow; and values that not all read alike."""

SYSCTLS = {"net.ipv4.tcp_fin_timeout": "15", "net.ipv4.ip_local_port_range": "1024 2048"}
FIN, PORTS = SYSCTLS


def fragment(sysctls: str) -> str:
    """Return a profile whose `sysctls` are written so."""
    return f"services:\n  host:\n    sysctls: {sysctls}\n"


FORMS = {
    "block": fragment(f'\n      {FIN}: "15"\n      {PORTS}: "1024 2048"'),
    "numbers": fragment(f"\n      {FIN}: 15\n      {PORTS}: 1024 2048"),
    "flow": f"services: {{host: {{sysctls: {{{FIN}: 15, {PORTS}: '1024 2048'}}}}}}\n",
    "quoted-keys": fragment(f"\n      \"{FIN}\": '15' # why\n      '{PORTS}': \"1024\\t2048\""),
    "list": fragment(f'\n      - {FIN}=15\n      - "{PORTS}=1024 2048"'),
    "flow-list": fragment(f"[{FIN}=15, '{PORTS}=1024 2048']"),
    "merged": f"x-common: &common\n  {FIN}: 15\n"
    + fragment(f"\n      <<: *common\n      {PORTS}: 1024 2048"),
    "overridden": f"x-common: &common\n  {FIN}: 9\n  {PORTS}: 1024 2048\n"
    + fragment(f"\n      <<: *common\n      {FIN}: 15"),
    "aliased": f"x-keys: &keys\n  {FIN}: 15\n  {PORTS}: 1024 2048\n" + fragment("*keys"),
    "directive": "%YAML 1.1\n---\n"
    + fragment(f"\n    # a remark\n      {FIN}: 15\n\n      {PORTS}: 1024 2048"),
    "other-services": fragment(f"{{{FIN}: 15, {PORTS}: 1024 2048}}")
    + "  other:\n    sysctls: {net.ipv4.tcp_sack: 0}\n",
}

# What stands without quotes and is not the same in Compose 1.29.2, 2.40.3 and 5.6.1, or refused by one of them
# (measured); or is the same by luck.
AMBIGUOUS = ("yes", "on", "true", "True", "no", "0o17", "1e3", "1.5", ".inf", "1:30", "08", "2001-01-01",
          "18446744073709551616")  # fmt: skip
