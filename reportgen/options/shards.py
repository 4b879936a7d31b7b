"""``--shard``: the part of the data that one process predicts, as given or from a scheduler."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from reportgen.errors import UsageError
from reportgen.text import listing, quoted

__all__ = [
    "SHARDS_VARIABLE",
    "Shard",
    "gaps",
    "ranges",
    "shard_of",
]


SHARDS_VARIABLE = "REPORTGEN_SHARDS"


_GIVEN = re.compile(r"(\d+)/(\d+)")


_HINT = "for example --shard 0/8, or --shard auto under torchrun, SLURM or Kubernetes"


@dataclass(frozen=True)
class Shard:
    """Shard `index` of `count`, 0 ≤ index < count.

    Attributes
    ----------
    local_rank
        Index of this process on its machine, if a scheduler provides it.
    local_size
        Number of processes on the machine.
    """

    index: int
    count: int
    local_rank: int | None = None
    local_size: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UsageError(
                f"--shard {self}: there must be one shard at least", slug="shard-range", hint=_HINT
            )
        if not 0 <= self.index < self.count:
            last = f"{self.count - 1}/{self.count}"
            raise UsageError(
                f"--shard {self}: shards are counted from 0, the last is {last}",
                slug="shard-range",
                hint=f"--shard {last}, or another from 0/{self.count} on",
            )

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def name(self) -> str:
        """Base name of its files: ``00003-of-00032``."""
        return f"{self.index:05d}-of-{self.count:05d}"

    def samples(self, n_samples: int, batch_size: int) -> range:
        """Its samples of `n_samples` ordered ones: whole batches, except for the last batch.

        >>> [list(Shard(i, 2).samples(7, 2)) for i in (0, 1)]
        [[0, 1, 2, 3], [4, 5, 6]]
        """
        n_batches = -(-n_samples // batch_size)
        first, stop = (
            min(n_batches * i // self.count * batch_size, n_samples)
            for i in (self.index, self.index + 1)
        )
        return range(first, stop)


def gaps(there: Iterable[int], n: int) -> tuple[range, ...]:
    """The numbers below `n` that are not in `there`, as ranges in order.

    Ranges, since even a billion missing shards must fit in memory.

    >>> gaps([3, 0], 6)
    (range(1, 3), range(4, 6))
    """
    ends = [-1, *sorted(set(there)), n]
    return tuple(range(a + 1, b) for a, b in pairwise(ends) if a + 1 < b)


def ranges(spans: Iterable[range]) -> str:
    """Numbers in the syntax of ``sbatch --array=``.

    >>> ranges([range(3, 4), range(7, 10)])
    '3,7-9'
    """
    return ",".join(str(s[0]) if len(s) == 1 else f"{s[0]}-{s[-1]}" for s in spans)


def shard_of(
    given: str | tuple[int, int] | Shard | None, environment: Mapping[str, str]
) -> Shard | None:
    """Parse ``--shard``: ``"3/32"``, ``(3, 32)``, or ``"auto"``.

    `environment` is only read for ``auto``.

    Raises
    ------
    UsageError
        ``shard-range``: it is not a valid shard. ``shard-environment``: no scheduler, or several,
        numbered this process, or the numbers are not valid shards.
    """
    if given is None or isinstance(given, Shard):
        return given
    if given == "auto":
        return _of_environment(environment)
    if isinstance(given, tuple) and len(given) == 2 and all(type(n) is int for n in given):
        return Shard(*given)
    found = _GIVEN.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise UsageError(f"--shard {quoted(str(given))} is not I/N", slug="shard-range", hint=_HINT)
    return Shard(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class _Scheduler:
    """How a scheduler numbers its processes.

    `variables` are those that number a process; `read` gets the shard from them.
    """

    name: str
    variables: tuple[str, ...]
    read: Callable[[Mapping[str, str]], Shard | None]

    @property
    def variable(self) -> str:
        return self.variables[0]

    @property
    def ignored(self) -> str:
        """The beginning of a command that does not see the numbers of this scheduler."""
        return " ".join(["env", *(f"-u {name}" for name in self.variables), "reportgen predict …"])


def _of_environment(environment: Mapping[str, str]) -> Shard:
    found = [
        (scheduler, shard)
        for scheduler in _SCHEDULERS
        if (shard := scheduler.read(environment)) is not None
    ]
    if not found:
        looked = listing((f"{one.variable} ({one.name})" for one in _SCHEDULERS), len(_SCHEDULERS))
        raise _refused(
            "no scheduler variables are set for this process", "specify the shard: --shard 0/8",
            f"looked for {looked}",
        )  # fmt: skip
    first, shard = found[0]
    for other, differing in found[1:]:
        if (shard.index, shard.count) != (differing.index, differing.count):
            raise _refused(
                f"{first.name} says {shard}, {other.name} says {differing}",
                f"hide one: {other.ignored} --shard auto follows {first.name}, "
                f"{first.ignored} --shard auto {other.name}",
            )
    return shard


def _refused(what: str, hint: str, *details: str) -> UsageError:
    return UsageError(f"--shard auto: {what}", slug="shard-environment", details=details, hint=hint)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    """The integer in an environment variable; None if it is not set."""
    text = environment.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise _refused(
            f"{name} is {quoted(text)}, not a whole number", "specify the shard: --shard 0/8"
        )
    return int(text)


def _required(environment: Mapping[str, str], beside: str, name: str, hint: str) -> int:
    number = _number(environment, name)
    if number is None:
        raise _refused(f"{beside} is set, {name} is not", hint)
    return number


def _local_rank(environment: Mapping[str, str], name: str) -> int | None:
    """The index of the process on its machine; None if it only sees its own GPU."""
    visible = environment.get("CUDA_VISIBLE_DEVICES", "")
    return None if visible and "," not in visible else _number(environment, name)


def _torchrun(environment: Mapping[str, str]) -> Shard | None:
    names = ("RANK", "WORLD_SIZE")
    known = [name for name in names if _number(environment, name) is not None]
    if not known:
        return None
    hint = "specify the shard: --shard 0/8"
    rank, size = (_required(environment, known[0], name, hint) for name in names)
    local_size = _number(environment, "LOCAL_WORLD_SIZE") or 1
    return Shard(rank, size, _local_rank(environment, "LOCAL_RANK"), local_size)


def _slurm_array(environment: Mapping[str, str]) -> Shard | None:
    task = _number(environment, "SLURM_ARRAY_TASK_ID")
    if task is None:
        return None
    hint = "with N shards in all: --shard $SLURM_ARRAY_TASK_ID/N"
    count, least, most, step = (
        _required(environment, "SLURM_ARRAY_TASK_ID", f"SLURM_ARRAY_TASK_{name}", hint)
        for name in ("COUNT", "MIN", "MAX", "STEP")
    )
    if least != 0 or step != 1 or most + 1 != count:
        raise _refused(
            f"the array has {count} tasks, from {least} to {most}, and not all shards from 0 on",
            hint, "an array of only the missing shards does not give their total number",
        )  # fmt: skip
    return Shard(task, count)


def _srun(environment: Mapping[str, str]) -> Shard | None:
    task, count = _number(environment, "SLURM_PROCID"), _number(environment, "SLURM_NTASKS")
    if task is None or count is None or count < 2:
        return None
    return Shard(task, count, _local_rank(environment, "SLURM_LOCALID"))


def _kubernetes(environment: Mapping[str, str]) -> Shard | None:
    index = _number(environment, "JOB_COMPLETION_INDEX")
    if index is None:
        return None
    hint = f"set {SHARDS_VARIABLE} to the completions of the Job: Kubernetes does not provide them"
    n = _required(environment, "JOB_COMPLETION_INDEX", SHARDS_VARIABLE, hint)
    if index >= n:
        raise _refused(
            f"JOB_COMPLETION_INDEX is {index}, beyond the last of {SHARDS_VARIABLE} {n}: {n - 1}",
            f"set {SHARDS_VARIABLE} to the completions of the Job",
        )
    return Shard(index, n)


_SCHEDULERS = (
    _Scheduler("torchrun", ("RANK", "WORLD_SIZE"), _torchrun),
    _Scheduler("the SLURM array", ("SLURM_ARRAY_TASK_ID",), _slurm_array),
    _Scheduler("srun", ("SLURM_PROCID",), _srun),
    _Scheduler("Kubernetes", ("JOB_COMPLETION_INDEX",), _kubernetes),
)
"""In the order in which their variables are read."""
