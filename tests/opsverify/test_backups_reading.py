"""Backups are read to their end, whoever made them, and what is wrong with one is said."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsverify import scratch
from opsverify.backups.plain import PlainScan
from opsverify.backups.reading import judge
from opsverify.backups.tools import Tool, newest
from opsverify.backups.unwrapping import BadBackup, unwrapped
from opsverify.environment import Environment
from opsverify.looking import CouldNotLook
from opsverify.probes.dumps import Complete, complete
from tests.opsverify.dumping import Source, environment, kind_of, named

DEBIAN = Path("/usr/bin/pg_dump")
GOOD = (
    b"--\n-- PostgreSQL database dump\n--\n\n\\restrict x\nCREATE TABLE public.a (\n    id int\n);\n"
    b"COPY public.a (id) FROM stdin;\n1\n2\n\\.\n\n"
    b"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict x\n\n"
)


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    """A database to dump."""
    with scratch.server() as server:
        yield Source(server, "midst")


def read(environment: Environment) -> Complete:
    """What came of reading the newest full backup."""
    assert environment.backups is not None
    return complete(environment, environment.backups.drilled)


FORMS = {
    "custom": ("backup-%Y%m%d.dump", "custom", ["--format=custom"]),
    "custom, not compressed": ("backup-%Y%m%d.dump", "custom", ["--format=custom", "--compress=0"]),
    "tar": ("backup-%Y%m%d.tar", "tar", ["--format=tar"]),
    "plain": ("midst-%Y%m%d.sql", "plain", []),
    "plain, inserts": ("midst-%Y%m%d.sql", "plain", ["--inserts"]),
    "directory": ("backup-%Y%m%d", "directory", ["--format=directory"]),
}


@pytest.mark.parametrize(("pattern", "form", "options"), FORMS.values(), ids=FORMS)
def test_every_format_of_pg_dump(
    source: Source, tmp_path: Path, pattern: str, form: str, options: list[str]
) -> None:
    """Each is whole, and has both tables."""
    source.dump(named(tmp_path, pattern), *options)
    seen = read(environment(tmp_path, kinds=[kind_of(pattern, form)]))
    assert (seen.flaws, seen.lacking) == ((), ())


def wrap(file: Path, how: str) -> Path:
    """A file, compressed as a cron script does it."""
    if how == "gz":
        wrapped = file.with_name(f"{file.name}.gz")
        wrapped.write_bytes(gzip.compress(file.read_bytes()))
    else:
        import zstandard

        wrapped = file.with_name(f"{file.name}.zst")
        wrapped.write_bytes(zstandard.ZstdCompressor().compress(file.read_bytes()))
    file.unlink()
    return wrapped


@pytest.mark.parametrize("how", ["gz", "zst"])
@pytest.mark.parametrize(("pattern", "form"), [("b-%Y%m%d.dump", "custom"), ("b-%Y%m%d.sql", "plain")])
def test_wrapped_by_a_cron_script(source: Source, tmp_path: Path, pattern: str, form: str, how: str) -> None:
    """What is inside is read; cut off, it is said of the wrapping."""
    file = wrap(source.dump(named(tmp_path, pattern), f"--format={form}"), how)
    kinds = [kind_of(f"{pattern}.{how}", form)]
    assert read(environment(tmp_path, kinds=kinds)).flaws == ()
    file.write_bytes(file.read_bytes()[:-30])
    assert "cut off" in read(environment(tmp_path, kinds=kinds)).flaws[0]


def test_a_directory_in_a_tar_file(source: Source, tmp_path: Path) -> None:
    """As `tar -czf` packs it, whatever folder it is in."""
    folder = source.dump(tmp_path / "made", "--format=directory")
    pattern = "backup-%Y%m%d.tar.gz"
    kinds = [kind_of(pattern, "directory")]
    file = named(tmp_path / "e", pattern)
    file.parent.mkdir(parents=True)
    with tarfile.open(file, "w:gz") as tar:
        tar.add(folder, "nightly/backup")
    assert read(environment(tmp_path / "e", kinds=kinds)).flaws == ()
    with tarfile.open(file, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("empty"), io.BytesIO())
    assert "toc.dat" in read(environment(tmp_path / "e", kinds=kinds)).flaws[0]


DAMAGED = {
    "empty": lambda was: b"",
    "cut off": lambda was: was[: len(was) // 2],
    "cut off at the end": lambda was: was[:-100],
    "another file": lambda was: b"<html>404</html>",
    "a plain dump": lambda was: GOOD,
    "a bit": lambda was: (
        was[: was.rindex(b"\x78\x9c") + 20] + b"\xff\xff" + was[was.rindex(b"\x78\x9c") + 22 :]
    ),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_archive(source: Source, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    """Is not whole, and the reason is one line."""
    file = source.dump(named(tmp_path), "--format=custom")
    file.write_bytes(damage(file.read_bytes()))
    seen = read(environment(tmp_path))
    assert len(seen.flaws) == 1
    assert "\n" not in seen.flaws[0]


def test_the_digest_finds_what_no_tool_sees(source: Source, tmp_path: Path) -> None:
    """A name in a plain dump is another: it is still a whole dump."""
    file = source.noted(source.dump(named(tmp_path, "m-%Y%m%d.sql")), sha256="0" * 64)
    assert "digest" in read(environment(tmp_path, kinds=[kind_of("m-%Y%m%d.sql", "plain")])).flaws[0]
    assert file.exists()


def test_a_table_that_lacks(source: Source, tmp_path: Path) -> None:
    """Declared, or written down with the backup."""
    source.noted(source.dump(named(tmp_path), "--format=custom", "--exclude-table-data=subscriptions"))
    assert read(environment(tmp_path)).lacking == ("public.subscriptions",)
    assert read(environment(tmp_path, tables=["profiles"])).lacking == ("public.subscriptions",)


def test_a_manifest_that_is_none(source: Source, tmp_path: Path) -> None:
    """It says what is wrong with it; the backup is not judged without."""
    file = source.dump(named(tmp_path), "--format=custom")
    file.with_name(f"{file.name}.json").write_text('{"taken": "yesterday"}')
    with pytest.raises(CouldNotLook, match="is no manifest: taken"):
        read(environment(tmp_path))


def test_none_at_all(tmp_path: Path) -> None:
    """Then another check fails, and this one could not look."""
    with pytest.raises(CouldNotLook, match="there is none"):
        read(environment(tmp_path))


@pytest.mark.skipif(not DEBIAN.exists(), reason="apt-get install postgresql-client")
def test_an_older_tool_says_that_it_is_too_old(source: Source, tmp_path: Path) -> None:
    """An archive that is newer than the tools is not a bad one."""
    file = source.dump(named(tmp_path), "--format=custom")
    restore = shutil.which("pg_restore", path="/usr/bin")
    if restore is None or newest("pg_restore").path == restore:
        pytest.skip("there is no older pg_restore here")
    said = subprocess.run([restore, "--list", str(file)], capture_output=True, text=True, check=False)
    with pytest.raises(CouldNotLook, match="is newer than pg_restore 15 can read"):
        judge(Tool(restore, 15), said.stderr)


def test_a_compression_that_a_tool_was_built_without() -> None:
    """Likewise."""
    said = "pg_restore: error: this build does not support compression with zstd"
    with pytest.raises(CouldNotLook, match="without the compression zstd"):
        judge(Tool("pg_restore", 18), said)


PLAIN = {
    "whole": (GOOD, None),
    "nothing": (b"", "holds nothing"),
    "no beginning": (GOOD[40:], "does not begin"),
    "cut in the rows": (GOOD[: GOOD.index(b"2\n")], "in the middle of the rows of public.a"),
    "cut behind the rows": (GOOD[: GOOD.index(b"-- PostgreSQL database dump complete")], "does not end"),
    "html": (b"<html>\n" * 2000, "does not begin"),
    "the mark among the rows": (
        GOOD[: GOOD.index(b"2\n")] + b"-- PostgreSQL database dump complete\n",
        "in the middle of the rows",
    ),
}


@pytest.mark.parametrize(("text", "flaw"), PLAIN.values(), ids=PLAIN)
@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_plain_text_in_pieces(text: bytes, flaw: str | None, at_once: int) -> None:
    """However it is cut into pieces, the same is found."""
    scan = PlainScan()
    for at in range(0, len(text), at_once):
        scan.feed(text[at : at + at_once])
    if flaw is None:
        scan.finish()
        assert scan.filled == {"public.a"}
        assert scan.tables == {"public.a"}
    else:
        with pytest.raises(BadBackup, match=flaw):
            scan.finish()


def test_gzip_of_nothing_and_of_several() -> None:
    """Twenty bytes hold nothing; members one after the other hold all of theirs; zeros may follow."""
    assert b"".join(unwrapped([gzip.compress(b"")], "gzip")) == b""
    both = gzip.compress(b"a" * 1000) + gzip.compress(b"b") + b"\0" * 512
    assert b"".join(unwrapped([both[:20], both[20:]], "gzip")) == b"a" * 1000 + b"b"
    with pytest.raises(BadBackup, match="damaged"):
        list(unwrapped([both[:-512] + b"rubbish"], "gzip"))


def test_what_unpacks_to_much_more_comes_in_pieces() -> None:
    """A gigabyte of zeros is not had at once."""
    packed = gzip.compress(b"\0" * 50_000_000)
    assert max(map(len, unwrapped([packed], "gzip"))) <= 4 * 2**20


def test_an_old_copy_is_not_the_newest(source: Source, tmp_path: Path) -> None:
    """By its name, whenever it was copied."""
    good = source.dump(named(tmp_path), "--format=custom")
    old = named(tmp_path, ago=timedelta(days=3))
    old.write_bytes(b"rubbish")
    assert read(environment(tmp_path)).flaws == ()
    assert good.stat().st_mtime <= datetime.now(UTC).timestamp()
