"""A pool of Ray actors: hands out orders, collects answers, and replaces actors that die.

An order belongs to one actor at a time, and only the driver writes rows, so a retried order can't
be counted twice. An actor processes its orders in sequence: when it dies, the first of its orders
is the cause, and the others were waiting.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from reportgen.engines.cluster import resources, stalled
from reportgen.engines.workers import Answer, Order, Worker
from reportgen.errors import ModelError
from reportgen.options import Ray
from reportgen.reporter import Reporter
from reportgen.text import plural, printable

__all__ = [
    "Pool",
]


RETRIES = 3


_AHEAD = 2  # orders per actor: one in progress, one waiting


_POLL_SECONDS = 1.0


@dataclass
class _Actor:
    handle: Any
    beginning: Any
    orders: deque[tuple[Any, int]] = field(default_factory=deque)
    is_ready: bool = False


@dataclass
class Pool:
    """Actors that are started on demand and replaced when they die.

    Attributes
    ----------
    arguments
        Constructor arguments of :class:`~reportgen.engines.workers.Worker`.
    contents
        The location of the images.
    witness
        An order of one sample that every actor must be able to read, or None.
    lost
        Index of an order that repeatedly killed its actor → the reason.
    headers
        The header of each actor, in the order of their start.
    accept
        Called with each header; raises if the actor does not belong to the run.
    """

    ray: Any
    settings: Ray
    arguments: tuple[Any, ...]
    contents: Any
    witness: Order | None
    reporter: Reporter
    lost: dict[int, str] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)
    accept: Callable[[str], object] | None = None
    _actors: list[_Actor] = field(default_factory=list)
    _deaths: int = 0
    _heard: float = field(default_factory=time.monotonic)
    _since: float = field(default_factory=time.monotonic)
    _began: bool = False

    def begin(self, n: int) -> None:
        """Start `n` actors, and wait for the first; raises the errors of their start."""
        self._heard = time.monotonic()
        while not any(actor.is_ready for actor in self._actors):
            self._fill(n)
            list(self._listen({}))
            self._require_life()

    def run(
        self, orders: Sequence[Order], decided: str, *, is_first: bool = False, following: int = 0
    ) -> Iterator[tuple[Order, Answer]]:
        """Yield each order with its answer, as they are completed.

        Orders that repeatedly killed their actor have no answer, and are in :attr:`lost`.
        `following` is the number of orders of a later call, for which actors are started in
        advance.

        Raises
        ------
        ModelError
            ``engine-stalled``; ``worker-lost`` if actors can't start; and the errors of the actors.
        """
        waiting = deque(range(len(orders)))
        tried: Counter[int] = Counter()
        refs: dict[Any, int] = {}
        smallest, largest = self.settings.n_actors
        smallest = min(smallest, len(orders))
        self._heard = self._since = time.monotonic()
        while waiting or refs:
            n_open = len(waiting) + len(refs)
            self._fill(min(largest, n_open + following))
            for actor in self._actors:
                while actor.is_ready and waiting and len(actor.orders) < _AHEAD:
                    number = waiting.popleft()
                    ref = actor.handle.predict.remote(orders[number], decided, is_first=is_first)
                    actor.orders.append((ref, number))
                    refs[ref] = number
            for number, answer, failed in self._listen(refs):
                if answer is not None:
                    yield orders[number], answer
                elif failed is None:
                    waiting.appendleft(number)
                else:
                    tried[number] += 1
                    if tried[number] > RETRIES:
                        self.lost[number] = failed
                    else:
                        waiting.append(number)
            self._require_life(0 if following else smallest)

    def _start(self) -> None:
        settings = self.settings
        handle = (
            self.ray.remote(Worker)
            .options(
                num_cpus=settings.actor_cpus,
                num_gpus=settings.actor_gpus,
                max_restarts=0,  # the driver restarts actors: it knows which orders to retry
                max_task_retries=0,
            )
            .remote(*self.arguments)
        )
        self._actors.append(_Actor(handle, handle.begin.remote(self.contents, self.witness)))

    def _fill(self, wanted: int) -> None:
        while len(self._actors) < wanted:
            self._start()

    def _listen(self, refs: dict[Any, int]) -> Iterator[tuple[int, Answer | None, str | None]]:
        """Yield (order, answer, reason).

        An answer of None with a reason: the actor died on this order. None of both: the order was
        only waiting.
        """
        beginning = {actor.beginning: actor for actor in self._actors if not actor.is_ready}
        open_refs = [*refs, *beginning]
        ready, _ = self.ray.wait(open_refs, num_returns=len(open_refs), timeout=0)
        if not ready:
            ready, _ = self.ray.wait(open_refs, num_returns=1, timeout=_POLL_SECONDS)
        for ref in ready:
            if ref in beginning:
                self._hear_beginning(beginning[ref])
                continue
            if ref not in refs:  # of an actor whose death was already handled
                continue
            actor = next(one for one in self._actors if any(r == ref for r, _ in one.orders))
            try:
                answer = self.ray.get(ref)
            except self.ray.exceptions.RayTaskError as error:
                raise _cause(error) from None
            except self.ray.exceptions.RayError as error:
                yield from self._bury(actor, refs, _reason(error))
                continue
            self._heard, self._deaths = time.monotonic(), 0
            actor.orders = deque(item for item in actor.orders if item[0] != ref)
            number = refs.pop(ref)
            if answer.error is not None:
                raise answer.error
            yield number, answer, None

    def _hear_beginning(self, actor: _Actor) -> None:
        try:
            answer = self.ray.get(actor.beginning)
        except self.ray.exceptions.RayTaskError as error:
            raise _cause(error) from None
        except self.ray.exceptions.RayError as error:
            self._actors.remove(actor)
            self._deaths += 1
            if self._deaths > RETRIES:
                raise ModelError(
                    f"the workers died {self._deaths} times before they could begin",
                    slug="worker-lost",
                    details=[f"the last: {_reason(error)}"],
                    hint="check that every machine has this reportgen and the memory for the model",
                ) from error
            return
        if answer.error is not None:
            raise answer.error
        if self.accept is not None:
            self.accept(answer.header)
        self._heard, actor.is_ready = time.monotonic(), True
        self.headers.append(answer.header)

    def _bury(
        self, actor: _Actor, refs: dict[Any, int], reason: str
    ) -> Iterator[tuple[int, None, str | None]]:
        """Remove a dead actor from the pool, and requeue its orders."""
        self._actors.remove(actor)
        self.ray.kill(actor.handle)
        self.reporter.warn(f"a worker died: {reason}; its images are predicted again")
        for place, (ref, number) in enumerate(actor.orders):
            if refs.pop(ref, None) is not None:
                yield number, None, reason if place == 0 else None

    def _require_life(self, smallest: int = 0) -> None:
        """Raise if no answer came in time, or fewer than `smallest` actors ever started.

        A `smallest` of 0 disables the second check.
        """
        there = [actor for actor in self._actors if actor.is_ready]
        self._began = self._began or 0 < smallest <= len(there)
        now = time.monotonic()
        silent = now - self._heard
        too_long = now - self._since >= self.settings.stall_timeout
        late = bool(smallest) and not self._began and too_long
        if silent < self.settings.stall_timeout and not late:
            return
        busy = [actor for actor in there if actor.orders]
        raise stalled(
            "not all actors have started" if late else f"no rows for {math.floor(silent)} seconds",
            self.settings,
            resources(self.ray),
            f"{plural(len(there), 'actor')} of {len(self._actors)} had started"
            + (f", {len(busy)} at work" if busy else ""),
        )

    def close(self) -> None:
        """Stop all actors."""
        for actor in self._actors:
            self.ray.kill(actor.handle)
        self._actors.clear()


def _cause(error: Any) -> Exception:
    """The exception of a failed actor: a bug, since expected errors are returned as answers."""
    return error.cause if isinstance(error.cause, Exception) else error


def _reason(error: BaseException) -> str:
    """Ray's reason for a death, in one line without addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((one for one in lines if "exit" in one.lower() or "memory" in one.lower()), "")
    told = told or (lines[0] if lines else type(error).__name__)
    return printable(told.partition(" There are some potential")[0])[:200]
