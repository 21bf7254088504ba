# SPDX-License-Identifier: MIT OR Apache-2.0
"""Frames of WebSockets (RFC 6455), for tests. What is read from has exactly(n), which raises EOFError at the end."""
import base64
import hashlib
import os
import struct

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def answer_to(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def frame(opcode, payload=b"", fin=True, masked=False, reserved=0):
    first = (0x80 if fin else 0) | reserved | opcode
    n = len(payload)
    length = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n)
    if not masked:
        return bytes([first]) + length + payload
    key = os.urandom(4)
    return bytes([first, length[0] | 0x80]) + length[1:] + key + bytes(b ^ key[i & 3] for i, b in enumerate(payload))


def close(code, masked=False, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason, masked=masked)


def next_frame(c):
    """(first byte, payload), unmasked; (None, b"") at the end."""
    try:
        first, second = c.exactly(2)
    except (EOFError, ConnectionResetError):
        return None, b""
    n = second & 0x7f
    if n == 126:
        n = struct.unpack(">H", c.exactly(2))[0]
    elif n == 127:
        n = struct.unpack(">Q", c.exactly(8))[0]
    key = c.exactly(4) if second & 0x80 else b"\0\0\0\0"
    payload = c.exactly(n)
    return first & 0x8f, bytes(b ^ key[i & 3] for i, b in enumerate(payload)) if second & 0x80 else payload


def code_of(c):
    """The code of the close frame that comes next; frames before it are passed over."""
    while True:
        opcode, payload = next_frame(c)
        if opcode is None:
            return None
        if opcode == 0x80 | CLOSE:
            return struct.unpack(">H", payload[:2])[0] if payload else 1005
