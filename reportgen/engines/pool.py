"""A pool of Ray actors: orders out, answers in, whatever dies on the way.

An order belongs to one actor at a time, and only the driver writes rows, so an order that is handed
out again can't be counted twice. An actor works in the sequence in which it got its orders: where
one dies, the first of them is what it died on, and the others were only waiting.
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


_AHEAD = 2  # orders of an actor: one that it works on, one that waits


_POLL_SECONDS = 1.0


@dataclass
class _Actor:
    handle: Any
    beginning: Any
    orders: deque[tuple[Any, int]] = field(default_factory=deque)
    is_ready: bool = False


@dataclass
class Pool:
    """Actors that are started as orders need them, and replaced where they die.

    Attributes
    ----------
    arguments
        Those of :class:`~reportgen.engines.workers.Worker`.
    contents
        Where the images are.
    witness
        An order of one sample that every actor must be able to read; None where there is none.
    lost
        Number of an order → the reason, where actors died on it again and again.
    headers
        What each actor says of itself, in the order in which they started.
    accept
        Told of each header; raises where an actor does not belong to the run.
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

    def first(self) -> str:
        """Start one actor, and return what it says of itself. Raises what it can't begin with."""
        self._heard = time.monotonic()
        self._start()
        while not any(actor.is_ready for actor in self._actors):
            list(self._listen({}))
            self._fill(1)
            self._require_life()
        return self.headers[0]

    def run(
        self, orders: Sequence[Order], decided: str, *, is_first: bool = False, following: int = 0
    ) -> Iterator[tuple[Order, Answer]]:
        """The answer to each order, in the sequence in which they come; :attr:`lost` has the
        others. `following` are the orders of a later call, for which actors start already.

        Raises
        ------
        ModelError
            ``engine-stalled``; ``worker-lost`` where actors can't start; and what actors raise.
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
                max_restarts=0,  # the driver starts another, and knows what to hand out again
                max_task_retries=0,
            )
            .remote(*self.arguments)
        )
        self._actors.append(_Actor(handle, handle.begin.remote(self.contents, self.witness)))

    def _fill(self, wanted: int) -> None:
        while len(self._actors) < wanted:
            self._start()

    def _listen(self, refs: dict[Any, int]) -> Iterator[tuple[int, Answer | None, str | None]]:
        """(order, answer, reason): without an answer, the reason says what an actor died of on this
        very order; without either, it only waited.
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
            if ref not in refs:  # of an actor whose death was told by another order
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
        """Take an actor out of the pool; its orders are handed out again."""
        self._actors.remove(actor)
        self.ray.kill(actor.handle)
        self.reporter.warn(f"a worker died: {reason}; its images are predicted again")
        for place, (ref, number) in enumerate(actor.orders):
            if refs.pop(ref, None) is not None:
                yield number, None, reason if place == 0 else None

    def _require_life(self, smallest: int = 0) -> None:
        """Raise where nothing was heard for too long, or fewer actors than the `smallest` number
        have ever been there; 0 does not ask.
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
        """End all actors."""
        for actor in self._actors:
            self.ray.kill(actor.handle)
        self._actors.clear()


def _cause(error: Any) -> Exception:
    """What was raised in an actor: a bug, since its own errors are answers."""
    return error.cause if isinstance(error.cause, Exception) else error


def _reason(error: BaseException) -> str:
    """What Ray says of a death, in one line without addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((one for one in lines if "exit" in one.lower() or "memory" in one.lower()), "")
    told = told or (lines[0] if lines else type(error).__name__)
    return printable(told.partition(" There are some potential")[0])[:200]
