"""Files are written as a whole or not at all, and links, pipes and permissions stay what they are."""

from __future__ import annotations

import os
import resource
import stat
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoking import error_codes
from rows_of_a_table import every

import bpx
from bpx.words import files
from bpx.words.diagnostic import BpxError
from bpx.words.files import bytes_of, exists, is_file, is_folder, keeping_inputs, opened, unpacked, write_file


def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path, usual = tmp_path / "a.json", tmp_path / "usual"
    usual.touch()
    write_file(path, "σ")
    assert path.read_text(encoding="utf-8") == "σ"
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    write_file(path, b"bytes")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"bytes", 0o640)
    assert sorted(tmp_path.iterdir()) == [path, usual]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    link, target = tmp_path / "link.txt", tmp_path / "to" / "target.txt"
    link.symlink_to(target)
    for text in ("new", "old"):
        write_file(link, text)
        assert link.is_symlink()
        assert target.read_text() == text


@pytest.mark.parametrize("end", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_the_old_file_stays_where_writing_ends_early(tmp_path: Path, end: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def pieces() -> Iterator[str]:
        yield "new"
        raise end

    with pytest.raises(BpxError if isinstance(end, OSError) else KeyboardInterrupt):
        write_file(path, pieces())
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_disk_that_gets_full(tmp_path: Path) -> None:
    """A bound on the size of files stands for it: writing stops in the middle."""
    path = tmp_path / "spec.toml"
    spec = bpx.parse("x^2", x=1.0)
    spec.save(path)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(BpxError, match="unwritable"):
            spec.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_what_is_no_file_is_written_as_it_comes(tmp_path: Path) -> None:
    fifo, received = tmp_path / "fifo", list[bytes]()
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()))
    reader.start()
    write_file(fifo, "through a pipe")
    reader.join(timeout=10)
    assert received == [b"through a pipe"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    write_file(os.devnull, "nothing")
    with pytest.raises(BpxError, match="no space left"):
        write_file("/dev/full", "too much")


@pytest.mark.parametrize("name", ["", ".", "no/folder.txt", "a\0b", "x" * 300, "loop"])
def test_what_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(BpxError, match="unwritable"):
        write_file(tmp_path / name, "text")
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_is_forbidden_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(BpxError, match="permission denied"):
        write_file(path, "new")
    assert path.read_text() == "old"


def test_a_file_that_is_to_be_written_is_not_read(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("text")
    link.symlink_to(path)
    with keeping_inputs() as to_write:
        assert bytes_of(path, 10) == b"text"
        known = files.identity(path)
        assert known
        to_write[known] = "a.txt"
        for name in (path, link):
            with pytest.raises(BpxError, match="replaces-input"):
                opened(name)
    assert bytes_of(link, 10) == b"text"


def test_a_member_of_an_archive_that_lies_about_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(30_000_000))
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\x01\x02") + 24  # of the size in the directory
    data[place : place + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with zipfile.ZipFile(path) as archive, pytest.raises(zipfile.BadZipFile):
            unpacked(archive, archive.infolist()[0])
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_file_is_read_to_its_bound() -> None:
    with pytest.raises(BpxError, match="too-big"):
        bytes_of(Path("/dev/zero"), 2**40)


@every("name", ["a" * 5000, "a\0b", "no/such/file", "."])
def test_what_no_file_can_be_called_is_no_file(name: str) -> None:
    assert not is_file(name) and exists(name) == is_folder(name) == (name == ".")
    assert error_codes("check", name) and error_codes("explain", f"./{name}.py")
