"""Downloads from servers on this machine that do all that servers do wrong, and what is kept of it: nothing or all."""

import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from fspp_core.errors import BusyError, Cancelled, WeightsError
from fspp_core.specs import WeightFile
from fspp_core.weights import WeightStore, fetch
from fspp_core.weights.download import Rules
from fspp_core.weights.tensors import read_tensors

RULES = Rules(stall_s=0.3, stall_bytes=64, tries=3, pause_s=0.01)


class Server(ThreadingHTTPServer):
    """Serves `content`; `plan` has the misbehaviour of each request in turn, the last one from then on."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.plan, self.asked = content, ["well"], []
        self.release = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/s3fd-test.pth"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        how = server.plan.pop(0) if len(server.plan) > 1 else server.plan[0]
        server.asked.append(asked)
        body = b"<html>sorry</html>" * 9 if how == "another file" else server.content
        if how.isdigit():
            return self.send_error(int(how))
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and how != "no ranges" else 0
        if start >= len(body):
            return self.send_error(416)
        length = len(body) - start
        self.send_response(206 if start else 200)
        if start:
            shift = 5 if how == "another part" else 0
            self.send_header("Content-Range", f"bytes {start + shift}-{len(body) - 1}/{len(body)}")
        stated = {"says more": length + 100, "says less": length - 100, "says nothing": None}.get(how, length)
        if stated is not None:
            self.send_header("Content-Length", str(stated))
        self.end_headers()
        body = body[start:]
        if how in ("truncates", "stalls", "truncates at once"):
            body = body[: 0 if how == "truncates at once" else max(1, len(body) // 3)]
        try:
            if how == "drips":
                while not server.release.wait(0.02):
                    self.wfile.write(b"x")
                    self.wfile.flush()
            self.wfile.write(body)
            self.wfile.flush()
            if how == "stalls":
                server.release.wait(10)
        except OSError:
            pass  # the client has had enough
        self.close_connection = True


@pytest.fixture
def content(writers, tensors, tmp_path):
    tensors["big"] = np.arange(40_000, dtype=np.float32)
    return writers["torch"](tmp_path / "published.pth", tensors).read_bytes()


@pytest.fixture
def server(content):
    with Server(content) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.release.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def wanted(content):
    def make(*urls, **changes):
        values = {
            "name": "s3fd",
            "urls": urls,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "licence": "BSD-3-Clause",
            "source": "a test",
        }
        return WeightFile(**{**values, **changes})

    return make


def kept(store):
    """Everything in the store that is not a lock."""
    return sorted(path.name for path in store.folder.iterdir() if not path.name.endswith(".lock"))


def test_weights_come_with_licence_and_digests(server, store, wanted, content):
    events = []
    record = fetch(wanted(server.url), store, rules=RULES, progress=events.append)
    assert kept(store) == ["s3fd.json", "s3fd.safetensors"]
    np.testing.assert_array_equal(read_tensors(store.path("s3fd"))["big"], np.arange(40_000))
    assert (record.licence, record.origin, record.as_published) == ("BSD-3-Clause", server.url, True)
    assert record.published_sha256 == hashlib.sha256(content).hexdigest()
    assert json.loads(store.record_path("s3fd").read_text(encoding="utf-8"))["tensors"] == 5
    assert (events[-1].done, events[-1].total, events[-1].unit) == (len(content), len(content), "B")
    assert fetch(wanted(server.url), store, rules=RULES) == record
    assert len(server.asked) == 1, "what is there is not fetched again"
    fetch(wanted(server.url), store, rules=RULES, force=True)
    assert len(server.asked) == 2


def test_prefix_of_the_digest_is_enough_and_size_may_be_unknown(server, store, wanted, content):
    file = wanted(server.url, sha256=hashlib.sha256(content).hexdigest()[:10], size=None)
    assert fetch(file, store, rules=RULES).as_published


@pytest.mark.parametrize("how", ["truncates", "stalls", "503", "429", "says more", "truncates at once", "another file"])
@pytest.mark.parametrize("size_known", [True, False])
def test_one_fault_is_overcome(how, size_known, server, store, wanted):
    server.plan = [how, "well"]
    file = wanted(server.url, server.url, **({} if size_known else {"size": None}))
    assert fetch(file, store, rules=RULES).as_published
    assert kept(store) == ["s3fd.json", "s3fd.safetensors"]
    if how in ("truncates", "stalls"):
        assert server.asked[1] is not None, "it was not resumed"


def test_many_breaks_are_resumed_each_from_where_it_was(server, store, wanted):
    server.plan = ["truncates"] * 12 + ["well"]
    fetch(wanted(server.url), store, rules=RULES)
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in server.asked[1:]]
    assert len(starts) == 12
    assert starts == sorted(set(starts))


def test_server_without_ranges_begins_again(server, store, wanted):
    server.plan = ["truncates", "no ranges"]
    assert fetch(wanted(server.url), store, rules=RULES).as_published


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("404", "404 Not Found"),
        ("500", "500 Internal Server Error, 3 times in a row"),
        ("truncates at once", "ended at 0 of"),
        ("another file", "SHA-256 expected|it is another file"),
        ("says less", "SHA-256 expected|it is another file"),
        ("drips", "bytes came in 0.3 s"),
    ],
)
@pytest.mark.parametrize("size_known", [True, False])
def test_lasting_fault_is_named_and_nothing_wrong_is_kept(how, reason, size_known, server, store, wanted):
    server.plan = [how]
    file = wanted(server.url, **({"size": None} if not size_known or how == "drips" else {}))
    with pytest.raises(WeightsError, match=reason) as caught:
        fetch(file, store, rules=RULES)
    assert server.url in str(caught.value)
    assert "fspp weights import FILE --as s3fd" in str(caught.value)
    assert not store.has("s3fd")
    assert [name for name in kept(store) if not name.endswith(".download")] == []


def test_wrong_file_says_expected_and_got(server, store, wanted):
    file = wanted(server.url, sha256="00" * 32)
    with pytest.raises(WeightsError, match=f"expected {'00' * 32}, got {hashlib.sha256(server.content).hexdigest()}"):
        fetch(file, store, rules=RULES)
    assert kept(store) == []


def test_next_address_goes_on_and_a_spoilt_beginning_is_dropped(server, store, wanted, content):
    with Server(b"?" * len(content)) as liar:
        thread = threading.Thread(target=liar.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        liar.plan = ["truncates", "404"]
        record = fetch(wanted(liar.url, server.url), store, rules=RULES)
        liar.shutdown()
        thread.join()
    assert record.origin == server.url
    assert server.asked[0] is not None, "it went on from what the first server gave"
    assert server.asked[1] is None, "then began anew"


def test_another_part_than_asked_is_refused(server, store, wanted):
    server.plan = ["truncates", "another part"]
    with pytest.raises(WeightsError, match="another part of the file"):
        fetch(wanted(server.url), store, rules=RULES)


def test_nobody_listens(server, store, wanted):
    with pytest.raises(WeightsError, match="no connection"):
        fetch(wanted("http://127.0.0.1:1/x.pth"), store, rules=RULES)


def test_offline_touches_no_network(server, store, wanted, monkeypatch):
    with pytest.raises(WeightsError, match="network is not to be used"):
        fetch(wanted(server.url), store, offline=True)
    monkeypatch.setenv("FSPP_OFFLINE", "1")
    with pytest.raises(WeightsError, match="import FILE --as s3fd"):
        fetch(wanted(server.url), store)
    assert server.asked == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"urls": ()}, "nobody offers"), ({"sha256": ""}, "digest is not known.* yourself, then: .* --as s3fd")],
)
def test_what_cannot_be_fetched_says_so(changes, reason, server, store, wanted):
    with pytest.raises(WeightsError, match=reason):
        fetch(
            wanted(**{"urls": (server.url,), **changes}) if "urls" in changes else wanted(server.url, **changes), store
        )


def test_stopping_keeps_the_beginning_for_the_next_run(server, store, wanted):
    server.plan = ["stalls", "well"]
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        fetch(wanted(server.url), store, rules=RULES, cancel=cancel, progress=lambda e: e.done and cancel.set())
    assert not store.has("s3fd")
    fetch(wanted(server.url), store, rules=RULES)
    assert server.asked[1] is not None


def test_two_at_once_do_not_mix(server, store, wanted):
    server.plan = ["stalls", "well"]
    first = threading.Thread(target=fetch, args=(wanted(server.url), store), kwargs={"rules": Rules(stall_s=1)})
    first.start()
    while not server.asked:
        time.sleep(0.01)
    with pytest.raises(BusyError, match="another run is writing"):
        fetch(wanted(server.url), WeightStore(store.folder), rules=RULES)
    first.join()
    assert store.has("s3fd")


def test_length_beyond_all_weights_is_refused(server, store, wanted, monkeypatch):
    monkeypatch.setattr("fspp_core.weights.download.MAX_BYTES", 1000)
    with pytest.raises(WeightsError, match="at most 1000"):
        fetch(wanted(server.url, size=None), store, rules=RULES)
    server.plan = ["says nothing"]
    with pytest.raises(WeightsError, match="more than the 1000 bytes"):
        fetch(wanted(server.url, size=None), store, rules=RULES)
