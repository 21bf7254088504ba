#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What floods of HTTP/2 cost a gateway: h2_floods.py TORONC [--seconds N] [--attackers N]. Each attack of tests/e2e/h2_attacks.py in turn, by clients
that come back as soon as they are cut off, beside another client that sends one request after the other. Printed as a table: how many
connections are cut off, processor time of the gateway (one worker, with the default limits) and for each of these, its memory, and how many requests
of the other client were served, compared with "quiet", where there is no attacker. Where processors are few, attackers take them from the others, too: the
last column is how much of the time the gateway could have gone on and had none."""
import argparse
import multiprocessing
import os
import sys
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
    """What a process has had of processors, and how long it waited for one."""
    had = waited = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
            fields = f.read().split()
        had, waited = had + int(fields[0]), waited + int(fields[1])
    return had / 1e9, waited / 1e9


def silent(c):
    """A server that takes requests and does not answer."""
    while True:
        c.fill()


def ask_until(port, end, n_served):
    """The other client, which goes about its business."""
    with lib.connect(port, 30) as c:
        while time.monotonic() < end:
            c.send(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n")
            assert c.response().status == 200
            n_served.value += 1
            time.sleep(0.002)


def attack_until(port, attack, end, n_cut):
    while time.monotonic() < end:
        a = h2_attacks.Attacker(port, attack)
        cut = a.until_cut(end - time.monotonic())
        a.close()
        if cut is not None:
            with n_cut.get_lock():
                n_cut.value += 1


def measure(gateway, port, attack, args):
    pid = gateway.process.pid
    most = [gateway.rss_kib()]
    n_cut, n_served = multiprocessing.Value("i"), multiprocessing.Value("i")
    before, begun = cpu_seconds(pid), time.monotonic()
    end = begun + args.seconds
    clients = [multiprocessing.Process(target=attack_until, args=(port, attack, end, n_cut), daemon=True) for _ in range(args.attackers if attack else 0)]
    clients.append(multiprocessing.Process(target=ask_until, args=(port, end, n_served), daemon=True))
    for c in clients:
        c.start()
    while time.monotonic() < end:
        time.sleep(0.1)
        most.append(gateway.rss_kib())
    (had, waited), elapsed = cpu_seconds(pid), time.monotonic() - begun
    for c in clients:
        c.join()
    return n_cut.value, had - before[0], (waited - before[1]) / elapsed, elapsed, max(most), n_served.value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("toronc")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--attackers", type=int, default=2)
    args = parser.parse_args()
    lib.setup(args.toronc, False, 1)
    multiprocessing.set_start_method("fork")
    print("| attack | connections cut off | CPU of a core | CPU for each | memory at most | another client's requests, of quiet's | waiting for a core |")
    print("|---|---|---|---|---|---|---|")
    quiet = None
    for attack in [None, *h2_attacks.ATTACKS]:
        port = lib.free_port()
        back = lib.Backend(silent)
        with lib.Gateway(CONFIG % (port, "x" * LARGE, back.port)) as g:
            n_cut, spent, waited, elapsed, memory, served = measure(g, port, attack, args)
        back.close()
        quiet = quiet or served
        print("| %s | %d | %.0f %% | %s | %.1f MiB | %.2f | %.0f %% |" % (
            attack.name if attack else "quiet", n_cut, 100 * spent / elapsed, "%.1f ms" % (1000 * spent / n_cut) if n_cut else "-",
            memory / 1024, served / quiet, 100 * waited), flush=True)


if __name__ == "__main__":
    main()
