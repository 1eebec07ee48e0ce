"""The process of `bpx` and of `python -m bpx`."""

import atexit
import gc

from bpx.cli.output.signals import end_quietly, exit_code, listen


def main() -> None:
    """Run the command line without a search for cycles, of which neither a graph nor a module has many.

    Each search looks at all that was imported: several times at the start, and once more at the end.
    They take a seventh of a small run and a fifth of a large one.
    """
    listen()
    try:
        gc.disable()
        atexit.register(gc.freeze)  # Python's last search cannot be disabled, but then it finds nothing to do
        from bpx.cli.main import main as run

        run()
    except BaseException:
        code = exit_code()
        end_quietly()  # what comes now can end nothing that is not over
        if code is None:
            raise
        from bpx.cli.output.console import leave, warn
        from bpx.words.say import say

        warn(say("interrupted"))
        leave(code)


if __name__ == "__main__":
    main()
