#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What floods of HTTP/2 cost a gateway: h2_floods.py TORONC [--seconds N] [--attackers N]. Each attack of tests/e2e/h2_attacks.py in turn, by clients
that come back as soon as they are cut off, beside another client that sends one request after the other. Printed as a table: how soon an
attacker is cut off, processor time of the gateway (one worker, with the default limits), its memory, and the other client's time for a request.
"Quiet" is the same without an attacker. The machine's noise is in the latencies; compare them with the first line."""
import argparse
import os
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import h2_attacks  # noqa: E402
import lib  # noqa: E402

CONFIG = """\
listeners: [{protocol: http, address: 127.0.0.1, port: %d, limits: {min_rate: {response: 1KiB, over: 2s}}}]
runtime: {workers: 1}
routes:
  - {match: {path: /small}, respond: {status: 200, body: hello}}
  - {match: {path: /large}, respond: {status: 200, body: %s}}
  - {match: {path: /slow}, backend: {url: "http://127.0.0.1:%d"}}
"""
LARGE = 60000  # bytes of an answer


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def silent(c):
    """A server that takes requests and does not answer."""
    while True:
        c.fill()


class Other:
    """A client that goes about its business, and notes how long each request takes."""

    def __init__(self, port):
        self.took, self.stop = [], False
        self.thread = threading.Thread(target=self.run, args=(port,))
        self.thread.start()

    def run(self, port):
        with lib.connect(port, 30) as c:
            while not self.stop:
                begun = time.monotonic()
                c.send(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n")
                assert c.response().status == 200
                self.took.append(time.monotonic() - begun)
                time.sleep(0.002)

    def end(self):
        self.stop = True
        self.thread.join()
        return sorted(1000 * t for t in self.took)


def attack_until(port, attack, end, cuts):
    while time.monotonic() < end:
        a = h2_attacks.Attacker(port, attack)
        cut = a.until_cut(end - time.monotonic())
        a.close()
        if cut is not None:
            cuts.append(cut)


def measure(gateway, port, attack, args):
    pid = gateway.process.pid
    most = [gateway.rss_kib()]
    cuts = []
    before, begun = cpu_seconds(pid), time.monotonic()
    end = begun + args.seconds
    attackers = [threading.Thread(target=attack_until, args=(port, attack, end, cuts)) for _ in range(args.attackers if attack else 0)]
    for t in attackers:
        t.start()
    other = Other(port)
    while time.monotonic() < end:
        time.sleep(0.1)
        most.append(gateway.rss_kib())
    took = other.end()
    spent = (cpu_seconds(pid) - before) / (time.monotonic() - begun)
    for t in attackers:
        t.join()
    return cuts, spent, max(most), took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--attackers", type=int, default=2)
    args = parser.parse_args()
    lib.setup(args.toronc, False, 1)
    print("| attack | cut off after (median) | times | CPU of a core | memory at most | another client, median | its 99th of 100 |")
    print("|---|---|---|---|---|---|---|")
    for attack in [None, *h2_attacks.ATTACKS]:
        port = lib.free_port()
        back = lib.Backend(silent)
        with lib.Gateway(CONFIG % (port, "x" * LARGE, back.port)) as g:
            cuts, spent, memory, took = measure(g, port, attack, args)
        print("| %s | %s | %d | %.0f %% | %.1f MiB | %.1f ms | %.1f ms |" % (
            attack.name if attack else "quiet", "%.0f ms" % (1000 * statistics.median(cuts)) if cuts else "-", len(cuts), 100 * spent,
            memory / 1024, statistics.median(took), took[int(len(took) * 0.99)]), flush=True)


if __name__ == "__main__":
    main()
