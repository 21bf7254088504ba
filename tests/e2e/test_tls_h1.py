# SPDX-License-Identifier: MIT OR Apache-2.0
"""The scenarios of HTTP/1.1 again, with TLS in front, behind, and on both sides: the tests of other files, whose gateways, servers and clients
are dressed while they run."""
import importlib
import os
import re
import socket
import ssl
import threading

import certs
import lib


class TlsSocket:
    """A socket with TLS over it that can end one direction and go on in the other, which Python's own cannot; several threads may use
    it. Only what the tests need."""

    def __init__(self, s, context, name=None):
        self.s, self.lock, self.sending, self.has_ended, self.aborts = s, threading.RLock(), threading.Lock(), False, False
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_side=name is None, server_hostname=name)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.take()
        self.flush()

    def flush(self):
        with self.sending:
            with self.lock:
                data = self.out.read()
            if data:
                self.s.sendall(data)

    def take(self):
        data = self.s.recv(65536)
        with self.lock:
            if data:
                self.into.write(data)
            else:
                self.into.write_eof()

    def sendall(self, data):
        data = memoryview(data)
        for i in range(0, len(data), 16384):
            with self.lock:
                self.tls.write(data[i:i + 16384])
            self.flush()

    def recv(self, n):
        while True:
            try:
                with self.lock:
                    return self.tls.read(n)
            except ssl.SSLWantReadError:
                self.take()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as e:
                raise ConnectionResetError(str(e))

    def shutdown(self, how):
        """Says that nothing follows, and sends the end after it."""
        if self.has_ended:
            return
        self.has_ended = True
        try:
            with self.lock:
                self.tls.unwrap()
        except (ssl.SSLError, OSError):
            pass
        try:
            self.flush()
            self.s.shutdown(how)
        except OSError:
            pass

    def setsockopt(self, level, name, value):
        self.aborts = self.aborts or name == socket.SO_LINGER
        self.s.setsockopt(level, name, value)

    def settimeout(self, seconds):
        self.s.settimeout(seconds)

    def close(self):
        if not self.aborts:
            self.shutdown(socket.SHUT_WR)
        self.s.close()


# ---- what stands in for what the tests use ----

plain = {name: getattr(lib, name) for name in ("Gateway", "Backend", "connect")}

class BehindTls(lib.Backend):
    def run(self, c):
        try:
            c.s = TlsSocket(c.s, certs.server_context())
        except (OSError, ssl.SSLError):
            c.close()
            return
        super().run(c)


def connect(port, seconds=10):
    c = plain["connect"](port, seconds)
    try:
        return lib.Connection(TlsSocket(c.s, certs.client_context(), "localhost"))
    except BaseException:
        c.close()
        raise


def with_https(text):
    """The configuration with TLS towards clients."""
    site, tls = certs.shared("site"), "tls: {certificates: [site]}"
    text = re.sub(r"(?m)^( *)(- )?protocol: http$", lambda m: "%s%sprotocol: https\n%s%s" % (m[1], m[2] or "", m[1] + " " * len(m[2] or ""), tls), text)
    text = re.sub(r"protocol: http(?=[,}])", "protocol: https, " + tls, text)
    return 'certificates: {site: {cert: "%s", key: {file: "%s"}}}\n' % (site.cert, site.key) + text


def with_https_servers(text):
    """The configuration with TLS towards servers."""
    tls = 'tls: {ca: "%s"}' % certs.shared("ca").cert
    text = re.sub(r'url: "http://(?=127|localhost)', 'url: "https://', text)
    text = re.sub(r'(?<=: \{)(?=url: "https://)', tls + ", ", text)
    text = re.sub(r"(?m)^( *)(?=servers: \[\{url: \"https)", lambda m: "%s%s\n%s" % (m[1], tls, m[1]), text)
    return re.sub(r'(?<=\{)(?=servers: \[\{url: "https)', tls + ", ", text)


def dressed(front, behind):
    class Gateway(lib.Gateway):
        def __init__(self, config, *args, **kw):
            config = with_https(config) if front else config
            super().__init__(with_https_servers(config) if behind else config, *args, **kw)

    return {"Gateway": Gateway, **({"Backend": BehindTls} if behind else {}), **({"connect": connect} if front else {})}


def clothes_of(module, front, behind):
    """What is to be another in which module."""
    clothes = dressed(front, behind)
    changes = [(m, name, value) for m in (lib, module) for name, value in clothes.items() if hasattr(m, name)]
    if front:
        changes.append((lib, "SCHEME", "https"))
    if hasattr(module, "KINDS"):
        changes.append((module, "KINDS", [("h1s" if front else "h1", "h1s" if behind else "h1")]))
        changes = [c for c in changes if c[1] not in ("Backend", "connect")]  # these bring their own
    return changes


def over_tls(module, test, front, behind):
    def run():
        certs.shared("ca")  # here, and not by several threads
        changes = clothes_of(module, front, behind)
        before = [(m, name, getattr(m, name)) for m, name, _ in changes]
        for m, name, value in changes:
            setattr(m, name, value)
        try:
            test()
        finally:
            for m, name, was in before:
                setattr(m, name, was)

    run.seconds = 2 * getattr(test, "seconds", 60)
    return run


MODULES = ["test_h1_behaviour", "test_h1_conformance", "test_h1_framing", "test_proxy", "test_buffering", "test_retry", "test_min_rate"]
# Some look at the socket (whether it takes more, what comes before there is TLS, how much goes through); and a TLS library sends bytes behind an
# answer that fills the buffer as a record of their own, which comes when the next request is out.
SKIP = ["test_bytes_behind_an_answer_that_fills_the_buffer", "test_memory_for_buffers_runs_out", "test_connection_limit",
        "test_two_gigabytes_down_to_a_slow_client", "test_two_gigabytes_up_to_a_slow_server"]
# With TLS_ALL in the environment, all of them run in front, behind and both: ten minutes. Without, both but for those that mostly wait, and of each
# side alone what has to do with how bytes come and go.
ALL = "TLS_ALL" in os.environ
SLOW = ["test_draining_in_each_state", "test_bad_responses", "test_a_crowd_on_one_worker", "test_a_crowd_on_four_workers"]
ONE = ["test_a_hundred_pipelined_posts", "test_early_answer_then_gone", "test_pipelined_then_half_closed", "test_pressure_in_both_directions",
       "test_upgrade_with_early_data_and_end", "test_gathering_ends_where_memory_does"]


def is_run(module, name, front, behind):
    if not name.startswith("test_") or name in SKIP:
        return False
    if ALL:
        return True
    return name in ONE if front != behind else name not in SLOW and module.__name__ != "test_min_rate"


for _module in map(importlib.import_module, MODULES):
    for _word, _front, _behind in (("both", True, True), ("front", True, False), ("behind", False, True)):
        for _name in [n for n in vars(_module) if is_run(_module, n, _front, _behind)]:
            globals()["test_%s_%s_%s" % (_word, _module.__name__.split("_", 1)[1], _name[5:])] = over_tls(
                _module, getattr(_module, _name), _front, _behind)
