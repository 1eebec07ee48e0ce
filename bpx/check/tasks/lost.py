"""What a worker that died leaves behind."""

from __future__ import annotations


class WorkerLost:
    """What stands in place of a result where the worker died twice."""
