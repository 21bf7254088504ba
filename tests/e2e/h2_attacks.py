# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clients of HTTP/2 that mean harm, frame by frame: for tests of what a gateway takes, and for the table that is made by tests/bench/h2_floods.py.

A target answers /small at once, /slow never, and /large with more than a megabyte."""
import select
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(path, extra=b""):
    return b"\x83\x86" + literal(b":authority", b"a") + literal(b":path", path) + extra


def request(n, path, extra=b"", flags=4):
    return frame(HEADERS, flags, 2 * n + 1, head(path, extra))


def number(value):
    """What follows a length of 127 (RFC 7541 section 5.1)."""
    out = b""
    while value >= 128:
        out += bytes([value % 128 | 128])
        value //= 128
    return out + bytes([value])


def resets(n):
    return request(n, b"/slow") + frame(RST, 0, 2 * n + 1, b"\0\0\0\x08")


def made_resets(n):
    # A window that grows by nothing is an error of the stream, which the server has to reset.
    return request(n, b"/slow") + frame(WINDOW, 0, 2 * n + 1, b"\0\0\0\0")


def overflown_windows(n):
    return request(n, b"/slow") + frame(WINDOW, 0, 2 * n + 1, b"\x7f\xff\xff\xff")


def continuations(n):
    return request(0, b"/slow", flags=0) if n == 0 else frame(CONTINUATION, 0, 1, literal(b"x", b"y"))


def empty_frames(n):
    return (request(0, b"/slow") if n == 0 else b"") + frame(DATA, 0, 1)


def bomb(n):
    # A field of 4000 bytes enters the table, and is then named by a byte, again and again.
    if n == 0:
        return request(0, b"/slow", b"\x40\x01x\x7f" + number(4000 - 127) + b"y" * 4000)
    return request(n, b"/slow", b"\xbe" * 16000)


def windows_shut(n):
    return (frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)) if n == 0 else b"") + request(n, b"/large", flags=5)


def much(n):
    return (frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 30)) + frame(WINDOW, 0, 0, b"\x3f\0\0\0") if n == 0 else b"") + \
        request(n, b"/large", flags=5)


PACE = ("pace",)


class Attack:
    """`piece(n)`: what is sent, for n from 0. `most`: how many; then nothing more is sent. `drips`: reads a byte a second. `limits`: those
    that may be what stops it; PACE is limits.min_rate, the others are of limits.h2."""

    def __init__(self, name, limits, piece, most=None, drips=False):
        self.name, self.limits, self.piece, self.most, self.drips = name, limits, piece, most, drips


ATTACKS = [
    Attack("rapid reset", ("resets",), resets),
    Attack("made-you-reset", ("resets", "window_updates"), made_resets),
    Attack("made-you-reset, windows", ("resets", "window_updates"), overflown_windows),
    Attack("CONTINUATION", ("continuations",), continuations),
    Attack("SETTINGS", ("settings",), lambda n: frame(SETTINGS, 0, 0, struct.pack(">HI", 3, n))),
    Attack("PING", ("pings",), lambda n: frame(PING, 0, 0, b"12345678")),
    Attack("empty frames", ("empty_frames",), empty_frames),
    Attack("PRIORITY", ("priorities",), lambda n: frame(PRIORITY, 0, 2 * n + 1, b"\0\0\0\0\x10")),
    Attack("WINDOW_UPDATE", ("window_updates",), lambda n: frame(WINDOW, 0, 0, b"\0\0\0\x01")),
    Attack("HPACK bomb", ("header_bytes",), bomb),
    Attack("window stall", PACE, windows_shut, most=100),
    Attack("drip reader", PACE, much, most=100, drips=True),
]


class Attacker:
    """One connection that attacks until it is cut off."""

    def __init__(self, port, attack):
        self.attack = attack
        self.socket = socket.socket()
        if attack.drips:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.begun = time.monotonic()
        self.read_last = self.begun
        self.waiting = PREFACE + frame(SETTINGS)
        self.n = 0
        self.got = b""
        self.goaway = None   # the error code
        self.n_resets = 0    # streams that the other side has ended

    def _take(self, data):
        self.got += data
        while len(self.got) >= 9:
            n = int.from_bytes(self.got[:3], "big")
            if len(self.got) < 9 + n:
                return
            if self.got[3] == GOAWAY:
                self.goaway = int.from_bytes(self.got[13:17], "big")
            self.n_resets += self.got[3] == RST
            self.got = self.got[9 + n:]

    def _fill(self):
        while len(self.waiting) < 16384 and (self.attack.most is None or self.n < self.attack.most):
            self.waiting += self.attack.piece(self.n)
            self.n += 1

    def _read(self, now):
        """False: it is over."""
        if self.attack.drips and now - self.read_last < 1:
            return True
        self.read_last = now
        try:
            data = self.socket.recv(1 if self.attack.drips else 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._take(data)
        return bool(data)

    def step(self, wait=0.05):
        """True while it is not cut off: the connection, or all that it has."""
        if self.attack.most is not None and self.n_resets >= self.attack.most:
            return False
        self._fill()
        readable, writable, _ = select.select([] if self.attack.drips else [self.socket], [self.socket] if self.waiting else [], [], wait)
        if not self._read(time.monotonic()):
            return False
        if writable:
            try:
                self.waiting = self.waiting[self.socket.send(self.waiting):]
            except BlockingIOError:
                pass
            except OSError:
                # What it was told before is there still.
                while self._read(self.read_last + 1) and self.goaway is None and self._more():
                    pass
                return False
        elif self.attack.drips and not readable:
            # A client that does not read learns of a reset all the same.
            return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        return True

    def _more(self):
        return bool(select.select([self.socket], [], [], 0.2)[0])

    def until_cut(self, seconds):
        """How long it took; None: longer."""
        while time.monotonic() - self.begun < seconds:
            if not self.step():
                return time.monotonic() - self.begun
        return None

    def close(self):
        self.socket.close()
