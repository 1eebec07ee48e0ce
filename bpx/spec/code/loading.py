"""`mynet.py:forward,backward` → the functions themselves.

A file runs here, and only here, because it was named: no spec can cause it.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.abc import SourceLoader
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

from bpx.spec.reading.endings import CODE
from bpx.spec.reading.target import neighbour
from bpx.spec.trace.user_source import forget_sources, line_span, source_of
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span
from bpx.words.files import is_file, keep_from_writing
from bpx.words.say import say


class Named(NamedTuple):
    """What a name in a file stands for: a function, a method of an object, an object or a class.

    `owner` is the object that a method belongs to.
    """

    name: str
    value: Any
    owner: Any = None


class CodeTarget(NamedTuple):
    """A file and the names that were given with it."""

    module: ModuleType
    path: Path
    named: tuple[Named, ...]
    args: Mapping[str, Any] = MappingProxyType({})  # values for the arguments of the functions, by name

    @property
    def text(self) -> str:
        """The target in one text, as another process finds it."""
        return f"{self.path.resolve()}:{','.join(named.name for named in self.named)}"


def load_target(target: str) -> CodeTarget:
    """Run the file and look the names up. Raises `BpxError`."""
    match = CODE.fullmatch(target.strip())
    assert match
    path = Path(match["file"])
    names = [name.strip() for name in (match["names"] or "").split(",") if name.strip()]
    module = _run_file(path)
    problems: list[Diagnostic] = []
    named = [found for name in names if (found := _look_up(module, path, name, problems)) is not None]
    if problems:
        raise BpxError(problems)
    if not names:
        raise BpxError([_choose_a_name(module, path)])
    return CodeTarget(module, path, tuple(named))


def _run_file(path: Path) -> ModuleType:
    if not is_file(path):
        guess = neighbour(path)
        facts = {"name": str(path), "guess": guess}
        raise BpxError([Diagnostic("missing-file", None, facts, "did-you-mean" if guess else None)])
    keep_from_writing(path, str(path))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and isinstance(spec.loader, SourceLoader)
    module = importlib.util.module_from_spec(spec)
    forget_sources()
    with _beside(path):
        try:
            # Classes look their module up by name: dataclasses do, and pickle.
            sys.modules[path.stem] = module
            # A compiled file that is kept tells a text from another by its second and its length only.
            exec(spec.loader.source_to_code(path.read_bytes(), str(path)), vars(module))
        except SystemExit as error:
            raise BpxError([_problem_of(error, path)]) from error
        except Exception as error:
            raise BpxError([_problem_of(error, path)]) from error
    return module


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Let the file import its neighbours, as it can where it is started as a script."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    known = sys.modules.get(path.stem)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        if known is not None:
            sys.modules[path.stem] = known


def _problem_of(error: BaseException, path: Path) -> Diagnostic:
    """What the file raised, at its own line."""
    facts = {"name": str(path), "kind": type(error).__name__, "reason": str(error)}
    if isinstance(error, SyntaxError) and error.lineno:
        return Diagnostic("file-raised", _line(str(path), error.lineno), facts)
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if _same(frame.filename, path)
    ]
    return Diagnostic("file-raised", _line(str(path), lines[-1]) if lines and lines[-1] else None, facts)


def _same(filename: str, path: Path) -> bool:
    try:
        return Path(filename).resolve() == path.resolve()
    except OSError:
        return False


def _line(filename: str, line: int) -> Span | None:
    source: Source | None = source_of(filename)
    return None if source is None else line_span(source, line)


def _look_up(module: ModuleType, path: Path, name: str, problems: list[Diagnostic]) -> Named | None:
    value: Any = module
    owner: Any = None
    for part in name.split("."):
        if not hasattr(value, part):
            facts = {"name": name, "file": str(path)}
            problem = Diagnostic("not-in-file", None, facts)
            problems.append(problem.suggesting(name, list(_offered(module))))
            return None
        owner, value = value, getattr(value, part)
    return Named(name, value, None if owner is module else owner)


def _offered(module: ModuleType) -> Iterator[str]:
    """The names of the functions and classes that the file itself defines."""
    for name, value in vars(module).items():
        if callable(value) and getattr(value, "__module__", None) == module.__name__:
            yield name


def _choose_a_name(module: ModuleType, path: Path) -> Diagnostic:
    """Which names there are, and the first of a function or an object; a class needs an object first."""
    offered = list(_offered(module))
    classes = [name for name in offered if isinstance(getattr(module, name), type)]
    objects = [name for name, value in vars(module).items() if type(value).__module__ == module.__name__]
    usable = [name for name in (*offered, *objects) if name not in classes]
    facts = {"file": str(path), "names": say("word.list").join([*offered, *objects][:8])}
    if classes and not usable:
        return Diagnostic("no-name-in-file", None, {**facts, "name": classes[0]}, "make-object-in-file")
    return Diagnostic("no-name-in-file", None, {**facts, "first": (*usable, "loss")[0]}, "name-in-file")
