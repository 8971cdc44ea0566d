"""Tasks side by side: each done once, by whichever worker, also where workers are killed."""

import os
import signal
import subprocess
import sys

import pytest

from kanopt import parallel
from kanopt.errors import SolverError
from kanopt.parallel import MOST_ATTEMPTS, cluster, run_tasks
from tests.cases.lost_workers import Task, blocked_signals, fail, work

TASKS = [Task(number) for number in range(12)]


def squares(results):
    return sorted((done.point, done.value) for done in results)


EXPECTED = [(number, number**2) for number in range(12)]


@pytest.fixture(scope="module")
def dask():
    """A cluster of two workers on this machine, each a process of its own."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as workers,
        Client(workers) as client,
    ):
        yield client


def test_this_process_is_one_worker(tmp_path):
    done = list(run_tasks(work, str(tmp_path), TASKS))
    assert squares(done) == EXPECTED
    assert {each.process for each in done} == {os.getpid()}


@pytest.mark.slow
def test_processes_do_every_task_once_though_some_are_killed(tmp_path):
    tasks = [Task(number, kills=int(number in (3, 7))) for number in range(12)]
    done = list(run_tasks(work, str(tmp_path), tasks, workers=2))
    assert squares(done) == EXPECTED
    assert os.getpid() not in {each.process for each in done}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3-0", "7-0"]


@pytest.mark.slow
def test_processes_that_are_killed_again_and_again_are_told(tmp_path):
    with pytest.raises(SolverError, match=r"workers ended again and again .* 1 point left"):
        list(run_tasks(work, str(tmp_path), [Task(5, kills=MOST_ATTEMPTS + 1)], workers=2))


KILLED = """
import os, signal, tempfile
from kanopt.parallel import run_tasks
from tests.cases.lost_workers import Task, work
tempfile.tempdir = {litter!r}
for _ in run_tasks(work, {place!r}, [Task(number) for number in range(12)], workers=2):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="files without a name")
def test_a_process_that_is_killed_leaves_no_file_of_what_its_tasks_read(tmp_path):
    (tmp_path / "litter").mkdir()
    script = KILLED.format(litter=str(tmp_path / "litter"), place=str(tmp_path))
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    assert list((tmp_path / "litter").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no masks of signals")
def test_ctrl_c_is_for_this_process_and_not_for_its_workers(tmp_path):
    """A terminal sends it to all: one that is loading its modules would print a traceback."""
    done = list(run_tasks(blocked_signals, str(tmp_path), TASKS, workers=2))
    assert all(signal.SIGINT in each.value for each in done)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_an_error_in_a_task_ends_all(tmp_path):
    with pytest.raises(ValueError, match="task 0"):
        list(run_tasks(fail, str(tmp_path), TASKS[:1], workers=2))


@pytest.mark.slow
def test_a_cluster_does_every_task_once_though_a_worker_is_killed(tmp_path, dask):
    tasks = [Task(number, kills=int(number == 4)) for number in range(12)]
    assert squares(run_tasks(work, str(tmp_path), tasks, client=dask)) == EXPECTED


def test_a_cluster_that_is_not_there(monkeypatch):
    monkeypatch.setattr(parallel, "_PATIENCE", 0.2)
    with (
        pytest.raises(SolverError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'"),
        cluster("tcp://127.0.0.1:9"),
    ):
        pass


def test_a_cluster_of_other_versions_is_refused(dask, monkeypatch):
    mine = parallel._versions()
    monkeypatch.setattr(parallel, "_versions", lambda: {**mine, "kanopt": "0.0.1"})

    class Other:
        scheduler = dask.scheduler

        def run(self, function, on_error):
            return {"tcp://w": mine}

    with pytest.raises(SolverError, match=r"the worker tcp://w has kanopt .* in place of 0.0.1"):
        parallel._check_workers(Other())
