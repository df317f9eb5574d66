"""Bad input never ends in a traceback: one clear line, and the status that fits."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from talonschema.cli import main
from talonschema.files import progress
from talonschema.files.ndjson import Batch
from talonschema.output import FORMATS

CLEAN = '{"customerSession": {"profileId": "a"}}'
BAD = '{"customerSession": {"profileId": 1}}'
MAIN = [sys.executable, "-m", "talonschema"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str | bytes, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a process of its own."""
    settings: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command: Sequence[str | bytes] = [*MAIN, "check", *arguments]
    return subprocess.run(command, check=False, timeout=120, **settings)


def check(
    content: str | bytes, capsys: pytest.CaptureFixture[str], name: str = "a.json"
) -> tuple[int, str, str]:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    status = main(["check", "--format", "concise", name])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


ODD = [
    pytest.param("", "a.json:1:1: error[json/syntax]", id="empty"),
    pytest.param("  \n ", "a.json:1:1: error[json/syntax]", id="blank"),
    pytest.param(b"\x89PNG\r\n\x1a\n\x00", "a.json:1:1: error[json/encoding]", id="binary"),
    pytest.param(b"\x00" * 100, "a.json:1:1: error[json/syntax]", id="zeros"),
    pytest.param('{"a": "Köln"}'.encode("latin-1"), "a.json:1:9: error[json/encoding]", id="latin"),
    pytest.param(CLEAN.encode("utf-16"), "a.json:1:1: error[json/encoding]", id="utf-16"),
    pytest.param("[" * 100_000, "a.json:1:101: error[json/too-deep]", id="deep"),
    pytest.param('{"a":' * 100_000, "a.json:1:501: error[json/too-deep]", id="deep-objects"),
    pytest.param("9" * 5000, "a.json:1:1: error[json/number-range]", id="digits"),
]


@pytest.mark.parametrize(("content", "reported"), ODD)
@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
def test_odd_content(
    content: str | bytes, reported: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = check(content, capsys, name)
    assert err == ""
    if name == "a.ndjson" and not content.strip():
        assert (status, out) == (0, "")
    elif "number-range" in reported:
        assert status == 1
        assert reported.replace("a.json", name) in out
    elif "PNG" not in repr(content):
        assert status == 3
        assert out.startswith(reported.replace("a.json", name))
        assert out.count("\n") == 1
    else:
        assert status == 3


def test_a_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "none.json"]) == 3
    expected = "talonschema: error: none.json: can't be read: No such file or directory\n"
    assert capsys.readouterr() == ("", expected)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_an_unreadable_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.json").write_text(CLEAN, "utf-8")
    Path("a.json").chmod(0)
    assert main(["check", "a.json"]) == 3
    assert "a.json: can't be read: Permission denied" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no /proc")
def test_a_file_whose_reading_fails(capsys: pytest.CaptureFixture[str]) -> None:
    # Whoever reads it from the start gets an input/output error.
    assert main(["check", "/proc/self/mem"]) == 3
    expected = "talonschema: error: /proc/self/mem: can't be read: Input/output error\n"
    assert capsys.readouterr() == ("", expected)


class Broken(io.BytesIO):
    """A file whose second part can't be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(size)

    def fileno(self) -> int:
        return 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_of_lines_whose_reading_fails(
    jobs: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talonschema.files.reader._stdin", lambda: Broken(f"{BAD}\n".encode()))
    Path("b.json").write_text(BAD, "utf-8")
    arguments = ["-", "b.json", "--stdin-filename", "a.ndjson", "--format", "concise"]
    assert main(["check", "--jobs", jobs, *arguments]) == 3
    out, err = capsys.readouterr()
    reported = [line.partition(" ")[0] for line in out.splitlines()]
    assert reported == ["a.ndjson:1:35:", "b.json:1:35:"]
    assert err == "talonschema: error: a.ndjson: can't be read: Input/output error\n"


def test_a_huge_file_of_nothing_is_not_read_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("a.json").open("wb") as file:
        file.truncate(2**30)
    before = resident()
    status = main(["check", "--format", "concise", "a.json"])
    assert status == 3
    assert capsys.readouterr().out.startswith("a.json: error[json/too-large] ")
    assert resident() - before < 200 * 2**20


def resident() -> int:
    """Return the most memory that this process had so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
def test_a_device_without_end() -> None:
    done = run("--format", "concise", "/dev/zero")
    assert done.returncode == 3
    assert done.stdout.startswith(b"/dev/zero: error[json/too-large] ")
    assert done.stderr == b""


@pytest.mark.parametrize("name", ["fifo", "fifo.ndjson"])
def test_a_fifo(name: str) -> None:
    os.mkfifo(name)
    command = [*MAIN, "check", "--verbose", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        write = partial(Path(name).write_text, f"{CLEAN}\n", "utf-8")
        threading.Thread(target=write, daemon=True).start()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith(f"{name}: ok (".encode())


@pytest.mark.slow
@pytest.mark.parametrize("name", [b"a\nb.json", b"\xff\xfe.json", "größe 日本.json".encode()])
def test_odd_names(name: bytes) -> None:
    Path(os.fsdecode(name)).write_text(BAD, "utf-8")
    for form in FORMATS:
        done = run("--format", form, name)
        assert done.returncode == 1, done.stderr
        assert done.stderr == b""
    done = run("--format", "concise", name)
    assert done.stdout.count(b"\n") == 1
    assert run(name + b".missing").stderr.count(b"\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_a_reader_that_goes_away(form: str) -> None:
    Path("a.ndjson").write_text(f"{BAD}\n" * 20_000, "utf-8")
    command = [*MAIN, "check", "--verbose", "--format", form, "a.ndjson"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_disk(form: str) -> None:
    Path("a.json").write_text(BAD, "utf-8")
    with Path("/dev/full").open("wb") as full:
        done = run("--format", form, "a.json", stdout=full)
    assert done.returncode == 3
    assert done.stderr == b"talonschema: error: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("file", ["a.json", "-", "none.json"])
def test_closed_streams(closing: str, file: str) -> None:
    Path("a.json").write_text(BAD, "utf-8")
    command = f'"{sys.executable}" -m talonschema check {file} {closing}'
    done = subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    printed = file == "a.json" and " >&-" not in f" {closing}"
    assert done.returncode == (1 if printed else 3)
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") <= 1


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt(jobs: str) -> None:
    Path("a.ndjson").write_text(f"{BAD}\n{CLEAN}\n" * 50_000, "utf-8")
    # Processes that a shell started in its background would ignore interrupts.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from talonschema.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "check", "--verbose", "--jobs", jobs, "a.ndjson"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"")


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_after_a_while_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    shown = progress.Progress("a.ndjson", 4_000_000)
    now[0] += 0.9
    shown.note(1_000_000)
    shown.clear()
    assert terminal.getvalue() == ""
    now[0] += 0.2
    shown.note(1_000_000)
    assert terminal.getvalue() == f"a.ndjson: [{'#' * 8}{' ' * 22}]  25% of 4.0 MB"
    shown.note(2_000_000)
    now[0] += 1
    shown.note(4_000_000)
    assert terminal.getvalue().endswith(f"\r\x1b[Ka.ndjson: [{'#' * 30}] 100% of 4.0 MB")
    shown.clear()
    shown.clear()
    assert terminal.getvalue().endswith("of 4.0 MB\r\x1b[K")
    assert terminal.getvalue().count("\r") == 2


def test_progress_of_what_has_no_size(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_PATIENCE", 0)
    progress.Progress("fifo", 0).note(1_500_000)
    assert terminal.getvalue() == "fifo: 1.5 MB"


def test_progress_is_cleared_when_a_check_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_PATIENCE", 0)

    def fail(_source: bytes) -> Any:
        raise KeyboardInterrupt

    shown = progress.Progress("a", 10)
    shown.note(5)
    with pytest.raises(KeyboardInterrupt):
        list(Batch(io.BytesIO(b"{}\n"), None, lambda: fail, 1, shown))
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_progress_on_a_terminal_only(jobs: str) -> None:
    Path("a.ndjson").write_text(f"{CLEAN}\n" * 100_000, "utf-8")
    assert run("--jobs", jobs, "a.ndjson").stderr == b""
    code = (
        "import sys; from talonschema.files import progress; progress._PATIENCE = 0;"
        "from talonschema.cli import main; sys.exit(main())"
    )
    ours, theirs = pty.openpty()
    seen = bytearray()

    def read() -> None:
        while True:
            try:
                seen.extend(os.read(ours, 4096))
            except OSError:
                return

    reader = threading.Thread(target=read)
    reader.start()
    command = [sys.executable, "-c", code, "check", "--jobs", jobs, "a.ndjson"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=False, timeout=100)
    os.close(theirs)
    reader.join(60)
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"a.ndjson: [" in seen
    assert bytes(seen).endswith(b"\r\x1b[K")
