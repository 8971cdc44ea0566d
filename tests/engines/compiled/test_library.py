from __future__ import annotations

import ctypes
import shutil
import sysconfig
from pathlib import Path

import pytest

from kanopt.engines.compiled import build, library
from kanopt.errors import SolverError


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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache without a kernel, for a package without one."""
    if not build.compilers():
        pytest.skip("no C compiler on this machine")
    monkeypatch.setattr(library, "KERNEL", tmp_path)
    monkeypatch.setenv("KANOPT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels" / sysconfig.get_platform()


HASTY = tuple(flag.replace("-O3", "-O0") for flag in build._FLAGS)
"""A kernel that is slow is compiled in a quarter of the time; what becomes of its file is the same."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a kernel that was compiled into a folder of its own, for tests of what happens to it afterwards."""
    if not build.compilers():
        pytest.skip("no C compiler on this machine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "_FLAGS", HASTY)
        return build.compile_kernel(tmp_path_factory.mktemp("kernel"))


@pytest.fixture
def kept(cache: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the kernel in the cache, as if it had been compiled there."""
    monkeypatch.setattr(build, "_FLAGS", HASTY)
    cache.mkdir(parents=True)
    return Path(shutil.copy(compiled, cache))


@pytest.mark.slow
def test_a_kernel_is_compiled_once_and_found_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = library._file()
    assert [first] == list(cache.iterdir())
    monkeypatch.setattr(build, "compilers", list)
    assert library._file() == first
    assert ctypes.CDLL(str(first)).racer_problem_size() > 0


@pytest.mark.slow
def test_a_file_that_was_cut_short_is_compiled_again(cache: Path, kept: Path) -> None:
    whole = kept.read_bytes()
    assert library._file() == kept
    for size in (1000, len(whole) // 2, 0):
        kept.write_bytes(whole[:size])
        assert build.find_kernel(cache) is None
    assert library._file() == kept
    assert kept.read_bytes() == whole
    assert [kept] == list(cache.iterdir())


def test_a_kernel_of_another_source_is_not_found(
    cache: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tuple(tmp_path / str(place) for place in range(len(build.SOURCES)))
    for folder, copy in zip(build.SOURCES, copies, strict=True):
        copy.mkdir()
        for file in folder.glob("*.[ch]"):
            (copy / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(build, "SOURCES", copies)
    assert build.find_kernel(cache) == kept
    with (copies[0] / "laws.c").open("a") as source:
        source.write("/* changed */\n")
    assert build.find_kernel(cache) is None


def test_what_a_compiler_or_the_environment_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "  ")
    assert [] not in build.compilers()
    monkeypatch.setenv("CC", "gcc '")
    with pytest.raises(OSError, match=r"environment variable CC is .*No closing quotation"):
        build.compilers()
    monkeypatch.setattr(build, "compilers", lambda: [["false"], ["there-is-no-such-compiler"]])
    with pytest.raises(OSError, match=r"false: exit code 1; there-is-no-such-compiler: .*No such file"):
        build.compile_kernel(tmp_path)
