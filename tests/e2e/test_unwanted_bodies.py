# SPDX-License-Identifier: MIT OR Apache-2.0
"""How much, and how long, is read of a body whose request is answered already: limits.unread_body, timeouts.linger, timeouts.linger_idle."""
import time

import lib
from lib import Proxy

from test_h1_behaviour import GET, upload

REFUSING = "  - match: {path: /up}\n    respond: {status: 403, body: \"no\"}\n"


def test_how_much_of_an_unwanted_body_is_read():
    """limits.unread_body says up to which rest, if that is known, a connection is kept."""
    for limit, size, kept in (("64KiB", 128 << 10, "chunked"), ("4MiB", 3 << 20, "both"), (0, 1 << 16, "none")):
        for chunked in (False, True):
            with Proxy(route_extra=REFUSING, listener_extra="    limits: {unread_body: %s}" % limit) as p, p.connect() as c:
                r = upload(c, size, chunked)
                assert (r.status, r.body) == (403, b"no"), r.line
                if kept == "both" or (chunked and kept == "chunked"):
                    assert "connection" not in r.fields
                    c.send(GET)
                    assert c.response().body == b"hello\n", (limit, chunked)
                else:
                    assert c.is_closed(5), (limit, chunked)


def takes(c, seconds):
    """How long a connection that was answered takes more, a byte at a time: until it is reset, or the time is over."""
    begun = time.monotonic()
    try:
        while time.monotonic() - begun < seconds:
            c.send(b"x")
            time.sleep(0.05)
    except OSError:
        pass
    return time.monotonic() - begun


def test_how_long_an_unwanted_body_is_read():
    """timeouts.linger bounds the whole of it, timeouts.linger_idle a pause in it. Each has a value here that the other's default would outlive."""
    for times, pause, least, most in (("linger: 500ms, linger_idle: 20s", 0, 0.4, 15), ("linger: 1m, linger_idle: 300ms", 1.5, 0, 5),
                                      ("linger: 1m, linger_idle: 30s", 2.8, 0.5, None)):
        with Proxy(route_extra=REFUSING, listener_extra="    timeouts: {%s}" % times) as p, p.connect() as c:
            c.send(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n")
            assert c.response().status == 403
            time.sleep(pause * lib.SLOW)
            took = takes(c, most * lib.SLOW if most else least)
            if most:
                assert least <= took < most * lib.SLOW, (times, took)
            else:
                assert took >= least, (times, took)
