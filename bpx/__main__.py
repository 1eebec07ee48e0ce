"""`python -m bpx`."""

from bpx.cli import main

main()
