from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from kanopt.errors import SolverError
from kanopt.solvers.routing.racer import build, library


def test_a_machine_without_a_compiler_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "compilers", list)
    monkeypatch.setattr(library, "KERNEL", tmp_path)
    monkeypatch.setenv("KANOPT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(library, "_loaded", library._loaded.__wrapped__)
    assert "no C compiler" in library.why_no_kernel()
    with pytest.raises(SolverError, match=r"no compiled kernel.*Install a C compiler or the package ziglang"):
        library.kernel()


def test_what_a_compiler_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "compilers", lambda: [["false"], ["there-is-no-such-compiler"]])
    with pytest.raises(OSError, match=r"false: exit code 1; there-is-no-such-compiler: .*No such file"):
        build.compile_kernel(tmp_path)


def test_a_kernel_is_compiled_once_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not build.compilers():
        pytest.skip("no C compiler on this machine")
    monkeypatch.setattr(library, "KERNEL", tmp_path)
    monkeypatch.setenv("KANOPT_CACHE_DIR", str(tmp_path / "cache"))
    first = library._file()
    assert first == tmp_path / "cache" / "kernels" / build.library_name()
    monkeypatch.setattr(build, "compilers", list)
    assert library._file() == first
    assert ctypes.CDLL(str(first)).racer_problem_size() > 0


def test_the_name_of_the_kernel_changes_with_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = build.library_name()
    for file in build.KERNEL.glob("*.[ch]"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(build, "KERNEL", tmp_path)
    assert build.library_name() == name
    with (tmp_path / "laws.c").open("a") as source:
        source.write("/* changed */\n")
    assert build.library_name() != name
