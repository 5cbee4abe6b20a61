"""`python -m ganwerk` is `ganwerk`."""

from ganwerk.cli import main

main()
