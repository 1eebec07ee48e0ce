"""`python -m bpx`."""

from bpx.cli.app import main

main()
