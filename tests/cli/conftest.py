"""Fixtures of the command line."""

from __future__ import annotations

import pytest

from kanopt.cli import main
from tests.cases.command_line import FILES


@pytest.fixture
def case(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KANOPT_DEBUG", raising=False)
    return tmp_path


@pytest.fixture
def cli(capsys):
    """Run a command in this process; return its exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return int(caught.value.code or 0), told.out, told.err

    return call
