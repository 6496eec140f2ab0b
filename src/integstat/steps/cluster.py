"""Steps on the computers of a Dask cluster; `distributed` is loaded when a cluster is asked for, and not before."""

from __future__ import annotations

import platform
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from integstat.errors import IntegstatError, UsageError
from integstat.steps.crew import Crew, Lost
from integstat.steps.keys import source_digest

if TYPE_CHECKING:
    from distributed import Client

SECONDS = 20  # until there is a scheduler, and then until it has a worker
_PACKAGES = ("numpy", "scipy", "numba", "xarray", "pymc", "pytensor", "nutpie")  # another version may draw other numbers
_SOURCES = "Quellen von integstat"


@dataclass(frozen=True)
class Stranger:
    """The answer of a worker that would compute something else: what it runs."""

    fingerprint: dict[str, str]


@cache
def fingerprint() -> dict[str, str]:
    """Return what a process computes with: minor version of Python, versions of packages, digest of the sources."""
    return {"Python": ".".join(platform.python_version_tuple()[:2]), _SOURCES: source_digest("integstat")} | {
        name: _version(name) for name in _PACKAGES
    }


def on_worker(expected: Mapping[str, str], work: Callable[[], Any]) -> Any:
    """Do a piece of work, on a worker that computes as the caller does; else return a `Stranger`.

    Asked with every piece, for workers may join while a run goes on.
    """
    own = fingerprint()
    return work() if own == expected else Stranger(own)


@contextmanager
def cluster(address: str, seconds: float = SECONDS) -> Iterator[Crew]:
    """Give the workers of a Dask scheduler.

    The results come back to the caller: no folder has to be shared. When a worker dies, the scheduler has its running steps done
    elsewhere; how often for one step is the scheduler's own setting (`distributed.scheduler.allowed-failures`, by default three
    times), and with the next death it is `Lost`. While there is no worker at all, the run waits for one.

    Parameters
    ----------
    address : str
        Of the scheduler, as `tcp://host:8786`.
    seconds : float
        How long to wait for the scheduler, and for its first worker.

    Raises
    ------
    UsageError
        If `distributed` is not installed, nobody answers at the address, there is no worker, or a worker runs other sources or
        other versions than the caller.
    IntegstatError
        If the scheduler goes away.
    """
    client = _connected(address, seconds)
    try:
        with _reaching(address):
            _check_workers(client, address, seconds)
        yield Crew(_Cluster(client), partial(_workers, client, address), partial(_result, address))
    finally:
        client.close()


class _Cluster(Executor):
    """Wraps every piece of work in `on_worker`."""

    def __init__(self, client: Client) -> None:
        self._inner: Executor = client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._inner.submit(on_worker, fingerprint(), partial(fn, *args, **kwargs))


def _connected(address: str, seconds: float) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            "für einen Dask-Cluster fehlt das Paket distributed",
            place="--dask",
            mend='bitte mit pip install "integstat[dask]" nachinstallieren',
        ) from error
    _check_answer(address, seconds)
    try:
        return Client(address, timeout=seconds, set_as_default=False, name="integstat")
    except (OSError, ValueError) as error:
        raise _nobody(address) from error


def _nobody(address: str) -> UsageError:
    return UsageError(
        "unter dieser Adresse antwortet kein Dask-Scheduler",
        place=f"--dask {address}",
        mend="bitte dask scheduler starten und die Adresse nehmen, die er nennt",
    )


def _check_answer(address: str, seconds: float) -> None:
    """Knock before a client is made, which complains at length when nobody is there."""
    try:
        where = urlsplit(address if "://" in address else f"tcp://{address}")
        if where.scheme not in ("tcp", "tls"):
            return
        if where.hostname is None or where.port is None:
            raise _nobody(address)
        socket.create_connection((where.hostname, where.port), timeout=seconds).close()
    except (OSError, ValueError) as error:
        raise _nobody(address) from error


@contextmanager
def _reaching(address: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IntegstatError(
            "der Dask-Scheduler antwortet nicht mehr",
            place=f"--dask {address}",
            mend="bitte noch einmal starten; was fertig ist, bleibt",
        ) from error


def _check_workers(client: Client, address: str, seconds: float) -> None:
    try:
        client.wait_for_workers(1, timeout=seconds)
    except TimeoutError as error:
        raise UsageError(
            "der Dask-Scheduler hat keinen Worker",
            place=f"--dask {address}",
            mend=f"bitte mindestens einen starten: dask worker {address}",
        ) from error
    try:
        found: dict[str, dict[str, str]] = client.run(fingerprint)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            "auf einem Worker fehlt integstat, oder ein anderer Stand ist dort installiert",
            place=f"--dask {address}",
            mend="bitte auf allen Rechnern denselben Stand installieren",
        ) from error
    for worker, own in found.items():
        if own != fingerprint():
            raise _stranger(worker, own)


def _stranger(place: str, found: Mapping[str, str]) -> UsageError:
    """Say in what a worker differs."""
    told = [
        name if name == _SOURCES else f"{name} {found.get(name, 'fehlt')} statt {own}"
        for name, own in fingerprint().items()
        if found.get(name) != own
    ]
    return UsageError(
        f"ein Worker rechnet mit einem anderen Stand: {', '.join(told)}",
        place=f"--dask {place}",
        mend="bitte auf allen Rechnern denselben Stand installieren und die Worker neu starten",
    )


def _workers(client: Client, address: str) -> int:
    with _reaching(address):
        return sum(client.nthreads().values())


def _result(address: str, future: Future[Any]) -> Any:
    from distributed import KilledWorker

    try:
        answer = future.result()
    except KilledWorker as error:
        raise Lost from error
    if isinstance(answer, Stranger):
        raise _stranger(address, answer.fingerprint)
    return answer


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "fehlt"
