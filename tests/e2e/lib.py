# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the end-to-end tests share: compiled gateways, backends that we control to the byte, raw clients.

A test is a function whose name begins with `test_`, in a file test_*.py; run.py finds and runs them. Everything binds loopback, every
wait is bounded, and a process that a test started is ended by its own pid."""
import atexit
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

TORONC = None          # set by run.py
WORK = None            # a temporary directory, ditto
DYNAMIC = False        # sanitizer builds link dynamically
SCHEME = "http"        # by which clients come (test_tls_h1.py)
SLOW = 1               # sanitizer and valgrind runs get longer waits

_compiled = {}
_ports = set()


class Skip(Exception):
    """Raised by a test that cannot judge here; said, and counted neither as passed nor as failed."""


def free_port():
    """Below those that the system gives to outgoing connections, so that nobody else gets it before the gateway does."""
    while True:
        port = random.randrange(10000, 32768)
        if port in _ports:
            continue
        _ports.add(port)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def until(condition, why="it did not come to be", seconds=20):
    """Waits until `condition()` is true, and returns what it was. `why` is what to say when it does not become so, or a function that tells."""
    end = time.monotonic() + seconds * SLOW
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, why() if callable(why) else why
        time.sleep(0.01)


def run(args, timeout=120, **kw):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout * SLOW, **kw)


def toronc(*args, cwd=None, **kw):
    p = run([TORONC, *args], cwd=cwd, **kw)
    return p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")


def compile_config(text, name="gateway.yaml", args=()):
    """The path of a gateway compiled from a config text; the same text is compiled once."""
    key = hashlib.sha256(json.dumps([text, name, list(args)]).encode()).hexdigest()[:16]
    if key in _compiled:
        return _compiled[key]
    folder = os.path.join(WORK, key)
    os.makedirs(folder)
    with open(os.path.join(folder, name), "w") as f:
        f.write(text)
    extra = ["--dynamic"] if DYNAMIC and "--dynamic" not in args else []
    code, out, err = toronc(name, "-o", "gw", *extra, *args, cwd=folder)
    if code != 0:
        raise AssertionError("toronc failed with %d:\n%s%s" % (code, out, err))
    _compiled[key] = os.path.join(folder, "gw")
    return _compiled[key]


class Gateway:
    """A running gateway; use it in a with statement."""

    def __init__(self, config, env=None, args=(), name="gateway.yaml", compile_args=(), preload=None):
        self.path = compile_config(config, name, compile_args)
        self.env = dict(os.environ)
        for key in list(self.env):
            if key.startswith("TORON_"):
                del self.env[key]
        self.env.update(env or {})
        if preload:
            self.env["LD_PRELOAD"] = preload
        self.args = list(args)
        self.log = tempfile.NamedTemporaryFile(dir=WORK, prefix="log-", delete=False)
        self.out = tempfile.NamedTemporaryFile(dir=WORK, prefix="out-", delete=False)
        self.process = None
        self.drains = False

    def start(self, wait=True):
        self.drains = False
        self.process = subprocess.Popen([self.path, *self.args], env=self.env, stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=self.log)
        if wait:
            self.wait_for("ready")
        return self

    def wait_for(self, event, seconds=10, times=1):
        """Until its log has that so many times."""
        def there():
            is_over = self.process.poll() is not None
            found = len(re.findall(r"(?<![a-z])" + re.escape(event), self.stderr())) >= times  # an address may be "already" in use
            assert found or not is_over, why()
            return found

        def why():
            return "the gateway did not say %r:\n%s" % (event, self.stderr())

        until(there, why, seconds)

    def stderr(self):
        with open(self.log.name) as f:
            return f.read()

    def stdout(self):
        with open(self.out.name) as f:
            return f.read()

    def access(self, n=1, seconds=3):
        """The last n access log lines, parsed; waits until there are that many."""
        end = time.monotonic() + seconds * SLOW
        while True:
            lines = [l for l in self.stdout().splitlines() if l.startswith("{")]
            if len(lines) >= n or time.monotonic() > end:
                assert len(lines) >= n, "only %d access log lines" % len(lines)
                return [json.loads(l) for l in lines[-n:]]
            time.sleep(0.02)

    def rss_kib(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    def drain(self):
        """SIGTERM: it ends when its exchanges are through."""
        self.drains = True
        self.process.terminate()

    def stop(self, seconds=10):
        """The end, and the exit code."""
        if self.process.poll() is None:
            # A second signal could hit a process that is about to end by itself.
            if not self.drains:
                self.drain()
            try:
                self.process.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the gateway did not drain:\n" + self.stderr())
        return self.process.returncode

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            code = self.stop()
            report = self.stderr()
            bad = "runtime error" in report or "Sanitizer" in report
            if kind is None:
                assert code == 0 and not bad, "exit code %s:\n%s" % (code, report[-4000:])
            elif bad:
                print(report[-4000:])
        finally:
            self.log.close()
            self.out.close()


class Backend:
    """A server on a thread per connection. `serve(connection)` gets a Connection; without it, each request is answered 200 with a
    fixed body. All bytes received are in self.received, one entry a connection."""

    def __init__(self, serve=None, port=None, body=b"hello\n"):
        self.serve = serve or self.plain
        self.body = body
        self.received = []
        self.requests = 0
        self.connections, self.threads = [], []
        self.open = self.peak = 0
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port or 0))
        self.socket.listen(512)
        self.port = self.socket.getsockname()[1]
        self.closed = False
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while not self.closed:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.settimeout(30 * SLOW)
            c = Connection(s)
            self.connections.append(c)
            self.received.append(c.log)
            thread = threading.Thread(target=self.run, args=(c,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def run(self, c):
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            self.serve(c)
        except (OSError, EOFError):
            pass
        finally:
            self.open -= 1
            c.close()

    def plain(self, c):
        while True:
            c.request()
            self.requests += 1
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(self.body), self.body))

    def close(self):
        """A descriptor is closed when its thread has let go of it: a thread that has not would go on with whatever gets its number next."""
        self.closed = True
        end = time.monotonic() + 2 * SLOW
        self.shut(self.socket)
        self.thread.join(2 * SLOW)  # from here on there are no more connections
        for c in self.connections:
            self.shut(c.s)
        for thread in set(self.threads) - {threading.current_thread()}:
            thread.join(max(0, end - time.monotonic()))
        self.socket.close()
        for c in self.connections:
            c.close()

    @staticmethod
    def shut(s):
        while not isinstance(s, socket.socket):
            s = s.s  # what lies under our own TLS
        try:
            socket.socket.shutdown(s, socket.SHUT_RDWR)  # not Python's for TLS: its thread may be in the midst of it
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Connection:
    """A byte stream with just enough HTTP to drive tests; every byte received is in .log."""

    def __init__(self, s):
        self.s = s
        self.buffer = b""
        self.log = bytearray()

    def send(self, data):
        self.s.sendall(data)

    def fill(self):
        data = self.s.recv(65536)
        if not data:
            raise EOFError
        self.log += data
        self.buffer += data

    def until(self, end):
        while end not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(end, 1)
        return head + end

    def exactly(self, n):
        parts = []  # joined once: some read megabytes
        try:
            while len(self.buffer) < n:
                n -= len(self.buffer)
                parts.append(self.buffer)
                self.buffer = b""
                self.fill()
        except BaseException:
            self.buffer = b"".join(parts)
            raise
        data, self.buffer = b"".join([*parts, self.buffer[:n]]), self.buffer[n:]
        return data

    def rest(self):
        """Everything until the peer closes."""
        try:
            while True:
                self.fill()
        except (EOFError, ConnectionResetError):
            pass
        data, self.buffer = self.buffer, b""
        return data

    def chunked(self):
        body = b""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                trailers = b""
                while True:
                    line = self.until(b"\r\n")
                    if line == b"\r\n":
                        return body, trailers
                    trailers += line
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"

    def head(self):
        text = self.until(b"\r\n\r\n")
        lines = text[:-4].split(b"\r\n")
        fields = [tuple(p.strip() for p in l.split(b":", 1)) for l in lines[1:]]
        return lines[0].decode(), Fields((k.decode().lower(), v.decode("latin-1")) for k, v in fields)

    def request(self):
        line, fields = self.head()
        if fields.get("transfer-encoding", "").lower() == "chunked":
            body, trailers = self.chunked()
            return Message(line, fields, body, trailers)
        return Message(line, fields, self.exactly(int(fields.get("content-length", "0"))))

    def response(self, method="GET"):
        line, fields = self.head()
        status = int(line.split()[1])
        if method == "HEAD" or status < 200 or status in (204, 304):
            return Message(line, fields, b"")
        if fields.get("transfer-encoding") == "chunked":
            body, trailers = self.chunked()
            return Message(line, fields, body, trailers)
        if "content-length" in fields:
            return Message(line, fields, self.exactly(int(fields["content-length"])))
        return Message(line, fields, self.rest())

    def is_closed(self, seconds=3):
        """True if the peer closes within that time without sending anything."""
        self.s.settimeout(seconds * SLOW)
        try:
            return self.s.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def end(self):
        """Half-closes; the peer may have closed the connection already."""
        try:
            self.s.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        try:
            self.s.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Fields(dict):
    """Fields by lower-case name; repeated ones are joined with ", " and counted in .counts."""

    def __init__(self, pairs):
        super().__init__()
        self.counts = {}
        for k, v in pairs:
            self[k] = self[k] + ", " + v if k in self else v
            self.counts[k] = self.counts.get(k, 0) + 1


class Message:
    def __init__(self, line, fields, body, trailers=b""):
        self.line, self.fields, self.body, self.trailers = line, fields, body, trailers
        parts = line.split(" ", 2)
        self.status = int(parts[1]) if line.startswith("HTTP/") else None
        self.method, self.target = (parts[0], parts[1]) if self.status is None else (None, None)


def connect(port, seconds=10):
    s = socket.create_connection(("127.0.0.1", port), timeout=seconds * SLOW)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(s)


def listening(port, seconds=20):
    """Waits for a server."""
    def there():
        try:
            connect(port).close()
            return True
        except OSError:
            return False

    until(there, "nobody listens at %d" % port, seconds)


def get(port, target="/", headers="", method="GET", host="localhost", body=b""):
    with connect(port) as c:
        extra = "Content-Length: %d\r\n" % len(body) if body else ""
        c.send(("%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n" % (method, target, host, headers, extra)).encode() + body)
        return c.response(method)


def proxy_config(port, backend_port, extra="", route_extra="", listener_extra=""):
    return """\
listeners:
  - protocol: http
    address: 127.0.0.1
    port: %d
%s
log: {access: {enabled: true, flush: 0}}
routes:
  - match: {path: /}
    backend: {url: "http://127.0.0.1:%d"}
%s
%s""" % (port, listener_extra, backend_port, route_extra, extra)


class Proxy:
    """A backend and a gateway in front of it."""

    def __init__(self, serve=None, body=b"hello\n", env=None, args=(), **config):
        self.backend = Backend(serve, body=body)
        self.port = free_port()
        self.gateway = Gateway(proxy_config(self.port, self.backend.port, **config), env=env, args=args)

    def __enter__(self):
        self.gateway.__enter__()
        return self

    def __exit__(self, *error):
        try:
            self.gateway.__exit__(*error)
        finally:
            self.backend.close()

    def connect(self):
        return connect(self.port)


def setup(toronc_path, dynamic, slow):
    global TORONC, WORK, DYNAMIC, SLOW
    TORONC, DYNAMIC, SLOW = os.path.abspath(toronc_path), dynamic, slow
    WORK = tempfile.mkdtemp(prefix="toron-e2e-")
    atexit.register(shutil.rmtree, WORK, ignore_errors=True)
