# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exchanges as tests see them, whatever the version of HTTP: the same calls on the client's and on the server's side, over HTTP/1.1 (on
sockets) and HTTP/2 (python3-h2), in clear text ("h1", "h2c") and over TLS ("h1s", "h2"). A stream raises Reset when its peer has given it
up."""
import socket
import ssl
import struct
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

import certs
import lib
import ws

SECONDS = 20


class Reset(Exception):
    pass


class Head:
    def __init__(self, pairs, status=0):
        self.pairs = pairs
        self.fields = lib.Fields((k, v) for k, v in pairs if not k.startswith(":"))
        self.pseudo = {k: v for k, v in pairs if k.startswith(":")}
        self.status = status or int(self.pseudo.get(":status", 0))


def text(v):
    return v.decode("latin-1") if isinstance(v, bytes) else v


# ---- TLS ----

class TlsSocket:
    """As a socket. One thread may read while others write, which Python's own TLS sockets do not promise."""

    def __init__(self, s, context, server=False, name=None):
        self.s = s
        self.lock, self.writing = threading.Lock(), threading.Lock()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server, server_hostname=name)
        self.settimeout, self.setsockopt, self.close = s.settimeout, s.setsockopt, s.close
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                s.sendall(self.outgoing.read())
                self.more()
        s.sendall(self.outgoing.read())

    def more(self):
        data = self.s.recv(65536)
        with self.lock:
            if data:
                self.incoming.write(data)
            else:
                self.incoming.write_eof()

    def recv(self, n):
        while True:
            with self.lock:
                try:
                    return self.tls.read(n)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLZeroReturnError:
                    return b""
                except ssl.SSLEOFError as e:
                    raise ConnectionResetError("cut off without close_notify") from e
            self.more()

    def sendall(self, data):
        with self.writing:
            with self.lock:
                if data:
                    self.tls.write(data)
                out = self.outgoing.read()
            self.s.sendall(out)

    def shutdown(self, how):
        if how == socket.SHUT_RDWR:
            self.s.shutdown(how)
            return
        with self.writing:
            with self.lock:
                try:
                    self.tls.unwrap()
                except ssl.SSLError:
                    pass
                out = self.outgoing.read()
            self.s.sendall(out)


ALPN = {"h1s": "http/1.1", "h2": "h2"}


class Server(lib.Backend):
    """With a context: over TLS."""

    def __init__(self, serve, context=None):
        self.context = context
        super().__init__(serve)

    def run(self, c):
        if self.context:
            try:
                c.s = TlsSocket(c.s, self.context, server=True)
            except OSError:
                c.close()
                return
        super().run(c)


# ---- HTTP/2 ----

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, GOAWAY = 1, 3, 7
END_STREAM = 1


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class H2Stream:
    def __init__(self, conn, number):
        self.conn, self.number = conn, number
        self.heads, self.data, self.trailers = [], bytearray(), None
        self.ended = self.reset_code = None
        self.hold = False  # keep what comes from being acknowledged: the window closes

    def wait(self, ready):
        with self.conn.cond:
            ok = self.conn.cond.wait_for(lambda: ready() or self.reset_code is not None or self.conn.gone, SECONDS * lib.SLOW)
            if ready():
                return
            if self.reset_code is not None or self.conn.gone:
                raise Reset(self.reset_code)
            assert ok, "stream %d waited in vain" % self.number

    def head(self):
        """The next head: interim ones too."""
        self.wait(lambda: self.heads)
        return self.heads.pop(0)

    def final(self):
        interim = []
        while True:
            head = self.head()
            if head.status >= 200 or head.status == 0:
                head.interim = interim
                return head
            interim.append(head)

    def read(self, n=None):
        """n bytes, or all to the end."""
        self.wait(lambda: self.ended or (n is not None and len(self.data) >= n))
        take = len(self.data) if n is None else min(n, len(self.data))
        data = bytes(self.data[:take])
        del self.data[:take]
        return data

    def exactly(self, n):
        """For tunnels."""
        try:
            data = self.read(n)
        except Reset:
            data = b""
        if len(data) < n:
            raise EOFError
        return data

    def guarded(self, what, *args, **kw):
        try:
            with self.conn.cond:
                what(self.number, *args, **kw)
                self.conn.flush()
        except (h2.exceptions.ProtocolError, OSError, KeyError):
            raise Reset(self.reset_code)

    def send_head(self, pairs, end=False):
        self.guarded(self.conn.h2.send_headers, pairs, end_stream=end)

    def send(self, data):
        data = memoryview(data)
        while len(data):
            self.wait(lambda: self.conn.window(self.number) > 0)
            with self.conn.cond:
                n = min(self.conn.window(self.number), self.conn.h2.max_outbound_frame_size, len(data))
                if n > 0:
                    self.guarded(self.conn.h2.send_data, bytes(data[:n]))
                    data = data[n:]

    def end(self, trailers=None):
        if trailers:
            self.guarded(self.conn.h2.send_headers, trailers, end_stream=True)
        else:
            self.guarded(self.conn.h2.end_stream)

    def respond(self, status, fields=(), end=False):
        self.send_head([(":status", str(status)), *fields], end)

    def half_trailers(self, trailers):
        """A part of their frame, and the end of the connection: between the parts of a head there is no room for RST_STREAM."""
        with self.conn.cond:
            block = self.conn.h2.encoder.encode(trailers)
            self.conn.s.sendall(frame(HEADERS, END_STREAM, self.number, block[:len(block) // 2]))
        self.conn.close()

    def reset_behind(self):
        """With all said, the rest of what the other side says is not wanted (RFC 9113 section 8.1)."""
        with self.conn.cond:
            try:
                self.conn.h2.reset_stream(self.number, 0)
                self.conn.flush()
            except h2.exceptions.StreamClosedError:  # both have ended: python3-h2 does not say it, others do
                self.conn.s.sendall(frame(RST_STREAM, 0, self.number, b"\0\0\0\0"))

    def accept_websocket(self, fields=()):
        self.respond(200, fields)

    def finish(self):
        """Ends our direction of a tunnel."""
        self.end()

    def reset(self, code=8):
        self.guarded(self.conn.h2.reset_stream, code)


class H2Conn:
    def __init__(self, s, client, settings=None, serve=None):
        self.s, self.serve = s, serve
        self.scheme = "https" if isinstance(s, TlsSocket) else "http"
        self.cond = threading.Condition(threading.RLock())
        self.streams, self.gone, self.goaway, self.acked = {}, False, None, 0  # goaway: the last stream that is taken
        self.error, self.unread, self.client, self.prefaced = None, b"", client, client
        self.unknown = []  # types of frames that python3-h2 does not know, among them PRIORITY_UPDATE
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=client, header_encoding="latin-1", validate_inbound_headers=True, normalize_outbound_headers=False,
            validate_outbound_headers=False))
        if settings:
            self.h2.local_settings = h2.settings.Settings(client, initial_values={**self.h2.local_settings, **settings})
        with self.cond:
            self.h2.initiate_connection()
            self.flush()
        threading.Thread(target=self.run, daemon=True).start()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.s.sendall(data)

    def window(self, number):
        try:
            return self.h2.local_flow_control_window(number)
        except (h2.exceptions.ProtocolError, KeyError):
            return 0

    def run(self):
        try:
            while True:
                data = self.s.recv(65536)
                if not data:
                    break
                with self.cond:
                    for event in self.h2.receive_data(self.but_goaway(data)):
                        self.take(event)
                    self.flush()
                    self.cond.notify_all()
        except (OSError, h2.exceptions.ProtocolError) as e:
            self.error = e
        with self.cond:
            self.gone = True
            self.cond.notify_all()

    def but_goaway(self, data):
        """The whole frames but GOAWAY, after which python3-h2 takes nothing more of the streams that are under way."""
        self.unread += data
        whole = []
        if not self.client and not self.prefaced:
            if len(self.unread) < len(PREFACE):
                return b""
            whole.append(self.unread[:len(PREFACE)])
            self.unread = self.unread[len(PREFACE):]
            self.prefaced = True
        while len(self.unread) >= 9 and len(self.unread) >= 9 + int.from_bytes(self.unread[:3], "big"):
            n = 9 + int.from_bytes(self.unread[:3], "big")
            if self.unread[3] == GOAWAY:
                self.goaway = int.from_bytes(self.unread[9:13], "big")
            else:
                whole.append(self.unread[:n])
            self.unread = self.unread[n:]
        return b"".join(whole)

    def take(self, e):
        if isinstance(e, h2.events.UnknownFrameReceived):
            self.unknown.append(e.frame.type)
        number = getattr(e, "stream_id", None)
        stream = self.streams.get(number)
        if isinstance(e, h2.events.RequestReceived):
            stream = self.streams[number] = H2Stream(self, number)
            stream.heads.append(Head([(text(k), text(v)) for k, v in e.headers]))
            threading.Thread(target=self.run_serve, args=(stream,), daemon=True).start()
        elif isinstance(e, (h2.events.ResponseReceived, h2.events.InformationalResponseReceived)) and stream:
            stream.heads.append(Head([(text(k), text(v)) for k, v in e.headers]))
        elif isinstance(e, h2.events.TrailersReceived) and stream:
            stream.trailers = Head([(text(k), text(v)) for k, v in e.headers]).fields
        elif isinstance(e, h2.events.DataReceived) and stream:
            stream.data += e.data
            if not stream.hold and e.flow_controlled_length:
                self.h2.acknowledge_received_data(e.flow_controlled_length, number)
        elif isinstance(e, h2.events.StreamEnded) and stream:
            stream.ended = True
        elif isinstance(e, h2.events.StreamReset) and stream:
            stream.reset_code = e.error_code

    def run_serve(self, stream):
        try:
            self.serve(stream)
        except (Reset, OSError, h2.exceptions.ProtocolError):
            pass

    def open(self, method, path, fields=(), end=False, extra=(), authority="localhost"):
        with self.cond:
            number = self.h2.get_next_available_stream_id()
            stream = self.streams[number] = H2Stream(self, number)
        stream.send_head([(":method", method), *extra, (":scheme", self.scheme), (":authority", authority), (":path", path), *fields], end)
        return stream

    def open_websocket(self, path, fields=()):
        return self.open("CONNECT", path, [("sec-websocket-version", "13"), *fields], extra=[(":protocol", "websocket")])

    def close(self):
        try:
            self.s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- HTTP/1.1 ----

class H1Stream:
    """One exchange on a connection of its own, on either side."""

    def __init__(self, c, server):
        self.c, self.server, self.trailers = c, server, None
        self.framing = self.out = None
        self.method = None

    def guarded(self, what, *args):
        try:
            return what(*args)
        except (EOFError, ConnectionError):
            raise Reset()

    def head(self):
        line, fields = self.guarded(self.c.head)
        words = line.split(" ")
        head = Head(list(fields.items()), 0 if self.server else int(words[1]))
        if self.server:
            self.method = words[0]
            head.pseudo = {":method": words[0], ":path": words[1], ":authority": fields.get("host")}
            self.key = fields.get("sec-websocket-key")
        chunked = fields.get("transfer-encoding") == "chunked"
        self.framing = "chunked" if chunked else int(fields.get("content-length", 0 if self.server or head.status < 200 else -1))
        if not self.server and (self.method == "HEAD" or head.status in (204, 304)):
            self.framing = 0
        self.chunks = b""
        return head

    final = H2Stream.final

    def exactly(self, n):
        """For tunnels."""
        try:
            return self.c.exactly(n)
        except ConnectionError as e:
            raise EOFError from e

    def half_trailers(self, trailers):
        lines = "".join("%s: %s\r\n" % p for p in trailers)
        self.guarded(self.c.send, b"0\r\n" + lines[:len(lines) // 2].encode())
        self.c.end()

    def reset_behind(self):
        """Returns once the other side has noticed: it would send its next request here otherwise."""
        self.c.end()
        self.c.rest()

    def accept_websocket(self, fields=()):
        self.respond(101, [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", ws.answer_to(self.key)), *fields])
        self.out = "tunnel"

    def finish(self):
        """Ends our direction of a tunnel."""
        self.c.end()

    def chunk(self):
        size = int(self.guarded(self.c.until, b"\r\n").split(b";")[0], 16)
        if size == 0:
            pairs = []
            while True:
                line = self.guarded(self.c.until, b"\r\n")
                if line == b"\r\n":
                    break
                k, v = line[:-2].split(b":", 1)
                pairs.append((k.decode().lower(), v.strip().decode("latin-1")))
            self.trailers = lib.Fields(pairs) if pairs else None
            self.framing = 0
            return b""
        data = self.guarded(self.c.exactly, size)
        assert self.guarded(self.c.exactly, 2) == b"\r\n"
        return data

    def read(self, n=None):
        if self.framing == -1:
            data = self.c.rest() if n is None else self.guarded(self.c.exactly, n)
            return data
        if self.framing == "chunked":
            while self.framing == "chunked" and (n is None or len(self.chunks) < n):
                self.chunks += self.chunk()
            take = len(self.chunks) if n is None else n
            data, self.chunks = self.chunks[:take], self.chunks[take:]
            return data
        n = self.framing if n is None else min(n, self.framing)
        self.framing -= n
        return self.guarded(self.c.exactly, n)

    def start(self, line, fields, end):
        lengths = [v for k, v in fields if k == "content-length"]
        head = line + "".join("%s: %s\r\n" % p for p in fields)
        self.out = "length" if lengths or end else "chunked"
        if self.out == "chunked":
            head += "transfer-encoding: chunked\r\n"
        self.guarded(self.c.send, (head + "\r\n").encode("latin-1"))

    def respond(self, status, fields=(), end=False):
        if 100 <= status < 200:
            self.guarded(self.c.send, ("HTTP/1.1 %d x\r\n%s\r\n" % (status, "".join("%s: %s\r\n" % p for p in fields))).encode())
            return
        fields = list(fields)
        if end and self.method != "HEAD" and status not in (204, 304) and not any(k == "content-length" for k, _ in fields):
            fields.append(("content-length", "0"))
        self.start("HTTP/1.1 %d x\r\n" % status, fields, end)

    def send(self, data):
        if self.out == "chunked":
            data = b"%x\r\n%s\r\n" % (len(data), data)
        self.guarded(self.c.send, data)

    def end(self, trailers=None):
        if self.out == "chunked":
            lines = "".join("%s: %s\r\n" % p for p in trailers or ())
            self.guarded(self.c.send, b"0\r\n%s\r\n" % lines.encode())

    def reset(self, code=8):
        self.c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.c.close()


class H1Conn:
    """As H2Conn, with a connection for each exchange."""

    def __init__(self, connect):
        self.connect, self.open_ones = connect, []

    def open(self, method, path, fields=(), end=False, extra=(), authority="localhost"):
        c = lib.Connection(self.connect())
        self.open_ones.append(c)
        stream = H1Stream(c, False)
        stream.method = method
        stream.start("%s %s HTTP/1.1\r\nhost: %s\r\n" % (method, path, authority), list(fields), end)
        return stream

    def open_websocket(self, path, fields=()):
        return self.open("GET", path, [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
                                       ("sec-websocket-key", ws.KEY), *fields], end=True)

    def close(self):
        for c in self.open_ones:
            c.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- the two sides ----

def client(kind, port, settings=None):
    context = certs.client_context(alpn=[ALPN[kind]]) if kind in ALPN else None

    def connect():
        s = lib.connect(port, SECONDS).s
        if not context:
            return s
        s = TlsSocket(s, context, name="localhost")
        assert s.tls.selected_alpn_protocol() == ALPN[kind]
        return s

    if kind.startswith("h1"):
        return H1Conn(connect)
    s = connect()
    s.settimeout(None)
    return H2Conn(s, True, settings)


def server(kind, serve, settings=None):
    """A lib.Backend whose exchanges are handed to serve(stream)."""
    def h1(c):
        try:
            while True:
                if not c.buffer:
                    c.fill()
                serve(H1Stream(c, True))
        except Reset:
            pass

    def http2(c):
        c.s.settimeout(None)
        conn = H2Conn(c.s, False, settings, serve)
        with conn.cond:
            conn.cond.wait_for(lambda: conn.gone)
        c.error = conn.error

    context = None
    if kind in ALPN:
        context = certs.server_context()
        context.set_alpn_protocols([ALPN[kind]])
    return Server(h1 if kind.startswith("h1") else http2, context)
