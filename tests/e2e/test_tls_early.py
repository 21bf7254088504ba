# SPDX-License-Identifier: MIT OR Apache-2.0
"""Early data (0-RTT): taken where it is switched on, once, and never from somebody who repeats what others have sent."""
import ctypes
import os
import socket
import subprocess
import threading

import certs
import h2_peer
import lib
from lib import Backend, Gateway, free_port

GET = b"GET /get HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def config(port, backend, early="early_data: true, ", tls=""):
    return certs.https_config(port, ([("site", certs.shared("site"), "")], "{certificates: [site], %s%s}" % (early, tls)),
                              "  - {match: {path: /}, backend: {url: \"http://127.0.0.1:%d\"}}" % backend.port,
                              "runtime: {workers: 2}")


def s_client(port, *args, data=b""):
    """All that s_client says. It is ended by the server's end, which is why its input stays open."""
    p = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-servername", "localhost", "-tls1_3", "-ign_eof",
                          "-CAfile", certs.shared("ca").cert, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        p.stdin.write(data)
        p.stdin.flush()
        return p.stdout.read().decode(errors="replace")
    finally:
        p.kill()
        p.wait()


def file_of(name, data):
    path = os.path.join(lib.WORK, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def session(port, name):
    """A file with a session to resume."""
    path = os.path.join(lib.WORK, name)
    if os.path.exists(path):
        os.remove(path)
    said = s_client(port, "-sess_out", path, data=GET)
    assert "200 OK" in said and os.path.exists(path), said
    return path


class Recorder:
    """Passes bytes on to a port, and keeps what the client sent: its first flight, and what follows upon the first answer."""

    def __init__(self, to):
        self.to, self.first, self.rest, self.answered = to, b"", b"", threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.to))
        back = threading.Thread(target=self.answer, args=(server, client), daemon=True)
        back.start()
        while True:
            try:
                data = client.recv(65536)
            except OSError:
                break
            if not data:
                break
            if self.answered.is_set():
                self.rest += data
            else:
                self.first += data
            server.sendall(data)
        back.join(10 * lib.SLOW)
        server.close()
        client.close()

    def answer(self, server, client):
        while True:
            try:
                data = server.recv(65536)
                self.answered.set()
                client.sendall(data)
            except OSError:
                return
            if not data:
                client.shutdown(socket.SHUT_WR)
                return

    def close(self):
        self.listener.close()
        self.thread.join(10 * lib.SLOW)


def test_requests_in_early_data():
    body = os.urandom(12000).hex().encode()[:12000]
    post = b"POST /post HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 12000\r\n\r\n" + body
    with Backend() as b:
        port = free_port()
        with Gateway(config(port, b)) as g:
            for i, data in enumerate((GET, post, GET)):
                kept = session(port, "early-%d" % i)
                before = b.requests
                said = s_client(port, "-sess_in", kept, "-early_data", file_of("early-data", data))
                assert "Early data was accepted" in said and "200 OK" in said, said
                assert b.requests == before + 1
            assert sorted(m["path"] for m in g.access(6)) == ["/get"] * 5 + ["/post"]


class Gnutls:
    """Clients of the library itself: gnutls-cli of 3.8 takes up its session only behind the early data, which then fails with any server."""
    CLIENT, CERTIFICATE, PEM, DNS, SENT_EARLY, AGAIN = 2, 1, 1, 1, 1 << 10, -28

    def __init__(self):
        self.lib = ctypes.CDLL("libgnutls.so.30")
        self.lib.gnutls_record_recv.restype = self.lib.gnutls_record_send_early_data.restype = ctypes.c_ssize_t
        self.trusted = ctypes.c_void_p()
        self.call("certificate_allocate_credentials", ctypes.byref(self.trusted))
        self.call("certificate_set_x509_trust_file", self.trusted, certs.shared("ca").cert.encode(), self.PEM)

    def call(self, name, *args):
        code = getattr(self.lib, "gnutls_" + name)(*args)
        assert code >= 0, (name, code)
        return code

    def exchange(self, port, kept=None):
        """Sends GET, with a session to resume as early data. Returns what is answered, whether the server took both, and a session."""
        milliseconds = int(20000 * lib.SLOW)
        session, data = ctypes.c_void_p(), (ctypes.c_void_p * 2)()  # a gnutls_datum_t
        self.call("init", ctypes.byref(session), self.CLIENT)
        with socket.create_connection(("127.0.0.1", port)) as s:
            self.call("priority_set_direct", session, b"NORMAL:-VERS-ALL:+VERS-TLS1.3", None)
            self.call("server_name_set", session, self.DNS, b"localhost", ctypes.c_size_t(9))
            self.call("credentials_set", session, self.CERTIFICATE, self.trusted)
            self.lib.gnutls_session_set_verify_cert(session, b"localhost", 0)
            self.lib.gnutls_transport_set_int2(session, s.fileno(), s.fileno())
            self.lib.gnutls_handshake_set_timeout(session, milliseconds)
            self.lib.gnutls_record_set_timeout(session, milliseconds)
            if kept:
                self.call("session_set_data", session, kept, ctypes.c_size_t(len(kept)))
                self.call("record_send_early_data", session, GET, ctypes.c_size_t(len(GET)))
            self.call("handshake", session)
            if not kept:
                self.call("record_send", session, GET, ctypes.c_size_t(len(GET)))
            answer, part = b"", ctypes.create_string_buffer(4096)
            while (n := self.lib.gnutls_record_recv(session, part, ctypes.c_size_t(4096))) > 0 or n == self.AGAIN:
                answer += part.raw[:max(n, 0)]
            assert n == 0, n
            early = self.lib.gnutls_session_is_resumed(session) != 0 and self.lib.gnutls_session_get_flags(session) & self.SENT_EARLY != 0
            self.call("session_get_data2", session, data)
            self.lib.gnutls_deinit(session)
        return answer, early, ctypes.string_at(data[0], data[1])


def test_gnutls_clients():
    with Backend() as b:
        port = free_port()
        with Gateway(config(port, b)):
            client, kept = Gnutls(), None
            for n in range(3):
                answer, early, kept = client.exchange(port, kept)
                assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and early == (n > 0), (n, early, answer)
                assert b.requests == n + 1


def h2_request():
    """A connection of HTTP/2 whose client asks once and says that it goes."""
    if h2_peer.h2 is None:
        raise lib.Skip("python3-h2 is not installed")
    c = h2_peer.h2.connection.H2Connection(h2_peer.h2.config.H2Configuration(client_side=True))
    c.initiate_connection()
    c.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/get")], end_stream=True)
    c.close_connection()
    return c.data_to_send()


def test_over_http2():
    """The preface and a request come before the handshake is through."""
    request = h2_request()
    with Backend() as b:
        port = free_port()
        with Gateway(config(port, b)):
            kept = os.path.join(lib.WORK, "early-h2")
            said = s_client(port, "-alpn", "h2", "-sess_out", kept, data=request)
            assert "ALPN protocol: h2" in said and "hello\n" in said and b.requests == 1, said
            said = s_client(port, "-alpn", "h2", "-sess_in", kept, "-early_data", file_of("early-h2-data", request))
            assert "Early data was accepted" in said and "hello\n" in said and b.requests == 2, said


def test_it_is_off_by_default():
    with Backend() as b:
        port = free_port()
        with Gateway(config(port, b, early="")):
            kept = session(port, "early-off")
            said = s_client(port, "-sess_in", kept, "-early_data", file_of("early-data", GET), data=GET)
            assert "Early data was accepted" not in said and "200 OK" in said, said
            assert b.requests == 2


def read_all(s):
    try:
        while s.recv(4096):
            pass
    except ConnectionResetError:
        pass


def test_a_replayed_first_flight():
    """The bytes that a client has sent, sent again by somebody else: to the same gateway, and to another one with the same ticket keys."""
    keys = file_of("early-keys", os.urandom(64))
    shared = ", session_tickets: {keys: \"%s\"}" % keys
    with Backend() as b:
        port, other = free_port(), free_port()
        with Gateway(config(port, b, "early_data: true", shared)), Gateway(config(other, b, "early_data: true", shared)):
            kept = session(port, "early-replay")
            recorder = Recorder(port)
            said = s_client(recorder.port, "-sess_in", kept, "-early_data", file_of("early-data", GET))
            recorder.close()
            assert "Early data was accepted" in said and "200 OK" in said, said
            assert b.requests == 2 and recorder.first and recorder.rest
            for to in (port, port, other):
                with lib.connect(to) as c:
                    c.send(recorder.first)
                    assert c.s.recv(1) == b"\x16", "no answer of the handshake"
                    c.send(recorder.rest)
                    read_all(c.s)
            # What a replay would have caused would be there before what comes after it.
            session(port, "early-again")
            session(other, "early-again")
            assert b.requests == 4, b.requests
            # Without what came after, it waits in vain.
            with lib.connect(port) as c:
                c.send(recorder.first)
                assert c.s.recv(1) == b"\x16"
                session(port, "early-again")
                assert b.requests == 5, b.requests


def test_a_gateway_in_front_that_took_early_data():
    """RFC 8470 section 5.1: its mark goes on to the server, and the server's 425 comes back to it, which alone can ask again."""
    seen = []

    def serve(c):
        while True:
            m = c.request()
            seen.append(m.fields.get("early-data"))
            c.send(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % (b"425 Too Early" if seen[-1] else b"200 OK"))

    with Backend(serve) as b:
        port = free_port()
        text = """\
listeners: [{address: 127.0.0.1, port: %d, protocol: http}]
routes: [{match: {path: /}, backend: {url: "http://127.0.0.1:%d"}}]
""" % (port, b.port)
        with Gateway(text):
            assert lib.get(port, "/", "Early-Data: 1\r\n").status == 425
            assert lib.get(port, "/").status == 200
    assert seen == ["1", None], seen
