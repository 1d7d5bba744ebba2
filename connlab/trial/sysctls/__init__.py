"""Kernel settings of a trial: read from files of any form, each set and read back, and what each comes to."""
