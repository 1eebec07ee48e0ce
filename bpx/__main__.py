"""The process of `bpx` and of `python -m bpx`."""

import atexit
import gc


def main() -> None:
    """Run the command line without a search for cycles, of which neither a graph nor a module has many.

    Each search looks at all that was imported: several times at the start, and once more at the end.
    They take a seventh of a small run and a fifth of a large one.
    """
    gc.disable()
    atexit.register(gc.freeze)  # Python's last search cannot be disabled, but then it finds nothing to do
    from bpx.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
