"""`python -m ccbill`."""

from ccbill.cli import main

main()
