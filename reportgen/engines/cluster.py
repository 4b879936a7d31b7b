"""A Ray cluster for the length of a run: an existing one by its address, or one on this machine."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from reportgen.errors import ModelError
from reportgen.options import Ray
from reportgen.process import usable_cores
from reportgen.text import printable, without_secrets

__all__ = [
    "connected",
    "refuse_stages",
    "require_ray",
    "resources",
    "stalled",
]


_HOST_AND_PORT = re.compile(r"(?:ray://)?([^/]+):(\d{1,5})")


_STORE_BYTES = 256 << 20  # ids go out and rows come back; images stay with the actors


def require_ray(part: str = "ray") -> None:
    """Raise :class:`ModelError` (``engine-missing``) if Ray is not installed. Imports nothing."""
    if find_spec(part) is None:
        raise ModelError(
            "Ray is not installed, and is required for --engine ray",
            slug="engine-missing",
            hint="install it into this environment and into that of every worker: "
            "pip install 'ray[data]'; or omit --engine",
        )


@contextmanager
def connected(settings: Ray) -> Iterator[Any]:
    """The module ``ray`` with a cluster, for the length of the block.

    If this process is already connected to a cluster, that one is used and stays connected.

    Raises
    ------
    ModelError
        ``engine-missing``; ``engine-unreachable``: there is no cluster at the address.
        ``engine-stalled``: this machine is too small for the actors.
    """
    require_ray()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray reads it on import
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if ray.is_initialized():
        yield ray
        return
    address = settings.ray_address or os.environ.get("RAY_ADDRESS")
    with _signals_kept():
        if address:
            _connect(ray, address)
        else:
            _start(ray, settings)
    try:
        yield ray
    finally:
        with _signals_kept():
            ray.shutdown()


def _start(ray: Any, settings: Ray) -> None:
    ray.init(
        address="local",
        num_cpus=usable_cores(),
        include_dashboard=False,
        object_store_memory=_STORE_BYTES,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _node_ip_address="127.0.0.1",
    )
    there = resources(ray)
    smallest, _ = settings.n_actors
    wanted = {"CPU": settings.actor_cpus * smallest, "GPU": settings.actor_gpus * smallest}
    if any(wanted[name] > there[name] for name in wanted):
        ray.shutdown()
        raise stalled("this machine is too small for the actors", settings, there)


def _connect(ray: Any, address: str) -> None:
    try:
        # without this check, Ray retries for minutes
        if found := _HOST_AND_PORT.fullmatch(address):
            socket.create_connection((found[1].strip("[]"), int(found[2])), 10).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        reason = printable(str(error).strip().partition("\n")[0])[:200]
        raise ModelError(
            f"there is no Ray cluster at {printable(without_secrets(address))}",
            slug="engine-unreachable",
            details=[f"Ray says: {without_secrets(reason)}"],
            hint="check --ray-address or RAY_ADDRESS: ray status --address ADDRESS",
        ) from error


def resources(ray: Any) -> dict[str, float]:
    """Total CPU cores and GPUs of the cluster."""
    with suppress(Exception):  # may fail while the cluster changes
        there = ray.cluster_resources()
        return {name: float(there.get(name, 0.0)) for name in ("CPU", "GPU")}
    return {"CPU": 0.0, "GPU": 0.0}


def stalled(what: str, settings: Ray, there: dict[str, float], *details: str) -> ModelError:
    """The error for a pool that returns no rows, with the resources requested and available."""
    smallest, largest = settings.n_actors
    number = f"{smallest}" if smallest == largest else f"{smallest} to {largest}"
    return ModelError(
        what,
        slug="engine-stalled",
        details=[
            f"requested: {number} actors of {settings.actor_cpus:g} CPU cores and "
            f"{settings.actor_gpus:g} GPUs each",
            f"in the cluster: {there['CPU']:g} CPU cores and {there['GPU']:g} GPUs",
            *details,
        ],
        hint="request what there is with --actors, --actor-cpus and --actor-gpus, or wait longer: "
        "--stall-timeout",
    )


def refuse_stages(settings: Ray, there: dict[str, float]) -> None:
    """Refuse a pool that leaves no core for the stages of a dataset: those would wait forever."""
    _, largest = settings.n_actors
    left = there["CPU"] - largest * settings.actor_cpus
    if left < 1:
        raise stalled(
            "the actors would take all CPU cores, and leave none for the stages of the dataset",
            settings, there,
        )  # fmt: skip


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Restore the previous signal handlers on exit: Ray replaces the one for SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(kind) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
