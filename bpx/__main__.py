"""`python -m bpx`."""

from bpx.cli.main import main

main()
