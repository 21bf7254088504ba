# SPDX-License-Identifier: MIT OR Apache-2.0
"""The scenarios of HTTP/1.1 again, with TLS in front, behind, and on both sides: ends at every byte, pipelines, pressure, tunnels."""
import socket
import ssl
import threading

import certs
import lib
import test_h1_behaviour
from lib import Backend, Connection, Gateway, free_port


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


class BehindTls(Backend):
    def run(self, c):
        try:
            c.s = TlsSocket(c.s, certs.server_context())
        except (OSError, ssl.SSLError):
            c.close()
            return
        super().run(c)


def proxy(front, behind):
    """What stands in for lib.Proxy."""
    class Proxy(lib.Proxy):
        def __init__(self, serve=None, body=b"hello\n", env=None, args=(), **config):
            self.backend = (BehindTls if behind else Backend)(serve, body=body)
            self.port = free_port()
            text = lib.proxy_config(self.port, self.backend.port, **config)
            if front:
                site = certs.shared("site")
                text = "certificates: {site: {cert: \"%s\", key: {file: \"%s\"}}}\n" % (site.cert, site.key) + text.replace(
                    "protocol: http\n", "protocol: https\n    tls: {certificates: [site]}\n")
            if behind:
                text = text.replace('{url: "http://127.0.0.1:%d"}' % self.backend.port,
                                    '{url: "https://127.0.0.1:%d", tls: {ca: "%s"}}' % (self.backend.port, certs.shared("ca").cert))
            self.gateway = Gateway(text, env=env, args=args)

        def connect(self):
            c = lib.connect(self.port)
            return Connection(TlsSocket(c.s, certs.client_context(), "localhost")) if front else c

    return Proxy


# Both ends are the same bytes whatever carries them. Left out is what needs no proxy, counts raw connections, or looks at the socket; and bytes
# behind an answer that fills the buffer, which a TLS library sends as a record of their own: they come when the next request is out.
BOTH = ["the_server_ends_at_every_byte", "the_client_ends_at_every_byte", "pipelined_then_half_closed", "a_hundred_pipelined_posts",
        "upgrade_with_early_data_and_end", "refused_upgrade_with_early_data", "bytes_on_a_pooled_connection",
        "early_answer_then_gone", "small_chunks_that_fill_a_buffer",
        "waiting_client_resets", "byte_by_byte_in_both_directions", "more_pipelined_than_the_connection_may_carry",
        "a_head_larger_than_a_buffer", "trailers_larger_than_a_buffer", "pressure_in_both_directions", "tunnel_whose_server_is_gone"]
ONE = ["a_hundred_pipelined_posts", "early_answer_then_gone", "pipelined_then_half_closed", "pressure_in_both_directions",
       "upgrade_with_early_data_and_end"]


def over_tls(scenario, front, behind):
    test = getattr(test_h1_behaviour, "test_" + scenario)

    def run():
        plain = test_h1_behaviour.Proxy
        test_h1_behaviour.Proxy = proxy(front, behind)
        try:
            test()
        finally:
            test_h1_behaviour.Proxy = plain

    run.seconds = 2 * getattr(test, "seconds", 60)
    return run


for _word, _scenarios, _front, _behind in (("both", BOTH, True, True), ("front", ONE, True, False), ("behind", ONE, False, True)):
    for _name in _scenarios:
        globals()["test_%s_%s" % (_word, _name)] = over_tls(_name, _front, _behind)
