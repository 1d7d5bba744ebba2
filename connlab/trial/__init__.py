"""The verb `try`: any firewall rules, loaded on hosts of their own and dialled, with the rule that judged each dial."""
