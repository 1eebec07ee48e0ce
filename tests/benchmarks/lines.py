"""How often the line of a planted mistake is named, over all networks: `python tests/benchmarks/lines.py`."""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backward_files import is_named
from corpus import CONVENTIONS, planted_bugs

# Only a second call of backward shows these.
SECOND_CALL = ("adds to an earlier call", "gradient left in another array")


def main(stems: list[str]) -> None:
    warnings.simplefilter("ignore")
    named = total = 0
    for stem in stems or CONVENTIONS:
        start, results = time.process_time(), []
        for bug in planted_bugs(stem):
            if bug.kind not in SECOND_CALL:
                with TemporaryDirectory() as folder:
                    results.append(is_named(Path(folder), bug))
        named, total = named + sum(results), total + len(results)
        print(f"{stem}: {sum(results)} of {len(results)} ({time.process_time() - start:.1f} s)")
    print(f"all: {named} of {total}")


if __name__ == "__main__":
    main(sys.argv[1:])
