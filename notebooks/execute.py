"""Execute the notebooks again and keep their outputs, or say what they would show.

::

    python notebooks/execute.py                 all of them, in their order
    python notebooks/execute.py 04 workshop     those whose names contain a word

Prints the seconds and the size of each. What a run says of its machine or its moment is left out, so that the same
notebook gives the same file: times of execution, versions, lines of progress. A warning or an error stops it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
STOPPING = "stopping in order"
"""What kanopt answers to Ctrl-C; all else on stderr is a warning."""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks(words: list[str] | None = None) -> list[Path]:
    """Return the notebooks whose names contain one of the words, or all of them."""
    every = sorted(FOLDER.glob("*.ipynb"))
    return [path for path in every if not words or any(word in path.stem for word in words)]


def executed(path: Path, laws: Path | None = None) -> NotebookNode:
    """Return a notebook as a fresh clone would show it: one thread, and no law learned before but those in a folder."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # a machine that is busy sends lines of one cell apart
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(FOLDER)}},
    )
    with (
        tempfile.TemporaryDirectory() as cache,
        _environment(KANOPT_CACHE_DIR=str(laws or cache), OMP_NUM_THREADS="1"),
    ):
        client.execute()
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_progress(output)]
            for output in cell.outputs:
                if output.get("name") == "stderr" and not output.text.startswith(STOPPING):
                    raise RuntimeError(f"{path.name} warns:\n{output.text}")
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def _is_progress(output: NotebookNode) -> bool:
    """Tell whether an output is the line of a search that has ended."""
    return output.output_type == "display_data" and not any(output.data.values())


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work_of_kernels() -> float:
    """Return the CPU seconds of all processes that this one has started and seen end."""
    spent = os.times()
    return spent.children_user + spent.children_system


def main(words: list[str]) -> None:
    """Execute and write the notebooks that are asked for."""
    chosen = notebooks(words)
    if not chosen:
        raise SystemExit(f"no notebook in {FOLDER} has a name with {' or '.join(words)}")
    for path in chosen:
        start, before = time.perf_counter(), _work_of_kernels()
        notebook = executed(path)
        seconds, work = time.perf_counter() - start, _work_of_kernels() - before
        nbformat.write(notebook, path)
        size = path.stat().st_size / 1000
        print(f"{path.name:28} {seconds:5.1f} s {work:5.1f} CPU s {size:5.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
