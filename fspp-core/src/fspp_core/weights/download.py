"""One HTTP download that grows a file: ranges, a limit to silence, and no trust in the lengths a server states."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fspp_core.errors import WeightsError
from fspp_core.progress import CancelFlag, Progress, ProgressEvent, check
from fspp_core.weights.arrays import MAX_BYTES

_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # what may pass when asked again


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Patience of a download.

    Attributes:
        stall_s: seconds in which fewer than `stall_bytes` bytes make a connection dead.
        stall_bytes: see there.
        tries: connections in a row that bring fewer than `stall_bytes`, before the address is given up.
        pause_s: seconds before the second try, twice as many before each further one.
    """

    stall_s: float = 20.0
    stall_bytes: int = 1024
    tries: int = 4
    pause_s: float = 1.0


class _Broken(Exception):  # noqa: N818 - it never leaves this module
    """A connection that ended before the file did."""


def download(
    url: str,
    path: Path,
    size: int | None,
    rules: Rules,
    *,
    stage: str,
    progress: Progress,
    cancel: CancelFlag | None,
    sleep: Callable[[float], Any] = time.sleep,
) -> None:
    """Make `path`, which may be there in part, what the server sends.

    Args:
        size: bytes the file must have, None while unknown.

    Raises:
        WeightsError: when the server does not have it, states or sends another size, or the connection keeps breaking;
            what came stays for the next try.
    """
    fruitless, before = 0, _size(path)
    while True:
        try:
            return _connection(url, path, size, rules, _report(stage, progress), cancel)
        except _Broken as broken:
            grown = _size(path)
            fruitless = 0 if grown - before >= rules.stall_bytes else fruitless + 1
            before = grown
            if fruitless >= rules.tries:
                raise WeightsError(
                    f"{broken}, {rules.tries} times in a row; {grown} bytes are kept to go on from"
                ) from None
            check(cancel)
            sleep(rules.pause_s * 2 ** max(fruitless - 1, 0))


def _report(stage: str, progress: Progress) -> Callable[[int, int | None], None]:
    return lambda done, total: progress(ProgressEvent(stage=stage, done=done, total=total, unit="B"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _connection(
    url: str,
    path: Path,
    size: int | None,
    rules: Rules,
    report: Callable[[int, int | None], None],
    cancel: CancelFlag | None,
) -> None:
    """One request, from where the file ends."""
    start = _size(path)
    if size is not None and start >= size:
        if start == size:
            return  # complete already; the digest decides
        path.unlink()
        start = 0
    headers = {"User-Agent": "fspp", "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=rules.stall_s) as response:
            start, total = _agreed(response, start, size)
            with path.open("r+b" if start else "wb") as file:
                file.truncate(start)
                file.seek(start)
                _copy(response, file, start, total, rules, report, cancel)
    except urllib.error.HTTPError as error:
        with suppress(OSError):
            error.close()
        if error.code == 416 and start:  # nothing behind what is there: whole, or from another file
            return
        if error.code in _AGAIN:
            raise _Broken(f"the server answers {error.code} {error.reason}") from error
        raise WeightsError(f"the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _Broken(f"no connection: {error.reason}") from error
    except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
        raise _Broken(f"the connection broke: {type(error).__name__}") from error
    except TimeoutError as error:
        raise _Broken(f"nothing came for {rules.stall_s:g} s") from error


def _agreed(response: http.client.HTTPResponse, start: int, size: int | None) -> tuple[int, int | None]:
    """Where the server begins, and the bytes the file will have if it tells."""
    stated = response.headers.get("Content-Length", "")
    length = int(stated) if stated.isascii() and stated.isdigit() else None
    if response.status == 206:
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != start:
            raise WeightsError("the server sends another part of the file than was asked for")
        total = int(match[3]) if match[3] != "*" else None
    else:
        start, total = 0, length
    if size is not None and total is not None and total != size:
        raise WeightsError(f"expected {size} bytes, the server says {total}; it is another file")
    if (total or 0) > MAX_BYTES:
        raise WeightsError(f"the server says {total} bytes; weights have at most {MAX_BYTES}")
    return start, total if total is not None else size


def _copy(
    response: http.client.HTTPResponse,
    file: BinaryIO,
    done: int,
    total: int | None,
    rules: Rules,
    report: Callable[[int, int | None], None],
    cancel: CancelFlag | None,
) -> None:
    window, came = time.monotonic(), 0
    most = total if total is not None else MAX_BYTES
    report(done, total)
    while True:
        check(cancel)
        chunk = response.read1(_CHUNK)
        if not chunk:
            break
        file.write(chunk)
        done, came = done + len(chunk), came + len(chunk)
        if done > most:
            raise WeightsError(f"the server sends more than the {most} bytes it should")
        report(done, total)
        now = time.monotonic()
        if now - window >= rules.stall_s:
            if came < rules.stall_bytes:
                raise _Broken(f"only {came} bytes came in {rules.stall_s:g} s")
            window, came = now, 0
    if total is not None and done < total:
        raise _Broken(f"the connection ended at {done} of {total} bytes")
