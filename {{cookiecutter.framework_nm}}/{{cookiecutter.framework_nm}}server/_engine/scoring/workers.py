"""Processes that score chunks: each loads the model once, and writes the parts that it scored.

Not here: which chunks there are, and what becomes of the parts.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Callable, Deque, Iterable, Iterator, Mapping, NamedTuple, Optional, Tuple

import pyarrow as pa

from .batches import Batch, batches
from .places import Unfinished, failing
from .scorer import Scored, Scorer, Wanted
from .sources import Chunk
from .state import Part, Run
from .writing import open_writer

#: What tells libraries how many threads to use: with a process a core, more would wait for each other.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
#: Chunks that wait for a worker, by worker.
_AHEAD = 2


class Job(NamedTuple):
    """What a worker needs to know: how the model is made, and how chunks are read, scored and written."""

    make: Callable[[], Any]
    wanted: Wanted
    schema: Any
    run: Run
    batch_rows: int
    encoding: str


class Worker:
    """Scores chunks, one after another."""

    def __init__(self, job: Job, scorer: Scorer) -> None:
        self._job = job
        self._scorer = scorer

    def __call__(self, chunk: Chunk) -> Part:
        """Write a chunk's part, and say what is in it. Where rows that do not fit end the run, it ends at the first."""
        job, part = self._job, Part(0)
        place = job.run.part(chunk.number)
        with failing(place):
            with open_writer(place, job.run.format, job.schema) as writer:
                for batch in batches(chunk, job.batch_rows, job.encoding):
                    scored = self._score(chunk, part.rows, batch)
                    if scored.wrong and part.first is None:
                        row = min(scored.wrong)
                        part.first = (part.rows + row, scored.wrong[row])
                    part.wrong += len(scored.wrong)
                    if part.wrong and not job.wanted.errors:
                        return part
                    part.rows += len(batch)
                    writer.write(scored.columns)
            job.run.note(chunk.number, part)
        return part

    def _score(self, chunk: Chunk, first: int, batch: Batch) -> Scored:
        try:
            return self._scorer(batch)
        except MemoryError:
            raise
        except Exception as error:  # the owner's code
            said = " ".join(f"{type(error).__name__}: {error}".split())
            where = f"{chunk.file.place.shown}, part {chunk.number}, rows {first + 1} to {first + len(batch)} of it"
            raise Unfinished(f"the model fails on rows that fit ({where}): {said}") from error


def score(
    job: Job, scorer: Scorer, chunks: Iterable[Chunk], finished: Mapping[int, Part], workers: int
) -> Iterator[Tuple[Chunk, Part]]:
    """Score the chunks that are not finished, and yield all in their order, with what their parts hold.

    One worker is this process, with its scorer. Raises DataError, and Unfinished where it is no table's fault.
    """
    if workers == 1:
        worker = Worker(job, scorer)
        for chunk in chunks:
            yield chunk, finished.get(chunk.number) or worker(chunk)
        return
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(job,))
    waiting: Deque[Tuple[Chunk, Future[Part]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((chunk._replace(content=b""), _submitted(pool, chunk, finished.get(chunk.number))))
            if len(waiting) >= _AHEAD * workers:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool:
        raise Unfinished(
            "a worker was killed, or ran out of memory. The same command goes on where this one ended; "
            "fewer --workers and smaller --batch_rows need less memory"
        ) from None
    finally:
        for _, future in waiting:
            future.cancel()
        pool.shutdown()


def _submitted(pool: ProcessPoolExecutor, chunk: Chunk, finished: Optional[Part]) -> Future[Part]:
    if finished is None:
        return pool.submit(_work, chunk)
    done: Future[Part] = Future()
    done.set_result(finished)
    return done


def _next(waiting: Deque[Tuple[Chunk, Future[Part]]]) -> Tuple[Chunk, Part]:
    chunk, future = waiting[0]
    part = future.result()
    waiting.popleft()
    return chunk, part


_worker: Optional[Worker] = None


def _begin(job: Job) -> None:
    """Make this process ready. Ctrl-C is its parent's, and without its parent it ends."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)
    _worker = Worker(job, Scorer(job.make(), job.wanted))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _work(chunk: Chunk) -> Part:
    assert _worker
    return _worker(chunk)


def make_model(model_class: Any, path: Path, options: Any) -> Any:
    """Load a model for scoring. Raises ModelError."""
    return model_class(dirpath=path, **options)
