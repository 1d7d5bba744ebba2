"""`python -m connlab` is the `connlab` command."""

from connlab.cli.main import main

main()
