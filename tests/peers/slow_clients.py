#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""slowhttptest against a compiled gateway: heads in drops, bodies in drops, answers read in drops, and many ranges. While hundreds of such
clients are connected, others are served, and afterwards all is as before.

usage: slow_clients.py [TORONC]
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import lib  # noqa: E402
import peer  # noqa: E402

CONFIG = """\
listeners:
  - protocol: http
    address: 127.0.0.1
    port: %d
    timeouts: {header: 5s, body: 5s, write: 5s, idle: 5s}
backends:
  app: {url: "http://127.0.0.1:%d", buffering: {request: 64KiB}}
routes:
  - {match: {path: /big}, files: {root: %s}}
  - {match: {path: /}, backend: app}
runtime: {workers: 1}
"""
SECONDS, CLIENTS = 20, 400
MODES = {
    "slowloris": ["-H", "-i", "2", "-x", "24"],
    "slow body": ["-B", "-i", "2", "-s", "8192", "-x", "10"],
    "slow read": ["-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "32", "-k", "3"],
    "ranges": ["-R", "-a", "10", "-b", "300"],
}
SLOWHTTPTEST = peer.program("slowhttptest")


class SlowClients(peer.PeerCase):
    def setUp(self):
        lib.setup(self.toronc_path, False, 1)
        self.folder = tempfile.mkdtemp(prefix="toron-slow-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        with open(os.path.join(self.folder, "big"), "wb") as f:
            f.write(b"x" * (4 << 20))

    def ask(self, port):
        """How long a client of good will waits for its answer; None: it gets none."""
        begun = time.monotonic()
        try:
            with lib.connect(port) as c:
                c.s.settimeout(5)
                c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return time.monotonic() - begun if c.response().status == 200 else None
        except (OSError, EOFError):
            return None

    def attack(self, port, mode):
        """Runs the mode for its time, asking all along."""
        target = "/big" if mode in ("slow read", "ranges") else "/"
        command = [SLOWHTTPTEST, "-c", str(CLIENTS), "-r", "200", "-l", str(SECONDS), "-u", "http://127.0.0.1:%d%s" % (port, target)]
        p = subprocess.Popen(command + MODES[mode], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.folder)
        said = []
        reader = threading.Thread(target=lambda: said.append(p.stdout.read()), daemon=True)
        reader.start()
        waits, most = [], 0
        end = time.monotonic() + SECONDS + 30
        try:
            while p.poll() is None and time.monotonic() < end:
                waits.append(self.ask(port))
                most = max(most, self.open_sockets())
                time.sleep(0.2)
        finally:
            p.kill()
            p.wait()
        reader.join(5)
        return waits, most, b"".join(said).decode(errors="replace")

    def open_sockets(self):
        return len(os.listdir("/proc/%d/fd" % self.gateway.process.pid))

    def test_others_are_served(self):
        with lib.Backend() as backend:
            port = lib.free_port()
            with lib.Gateway(CONFIG % (port, backend.port, self.folder)) as self.gateway:
                before = self.open_sockets()
                for mode in MODES:
                    with self.subTest(mode):
                        waits, most, said = self.attack(port, mode)
                        answered = [w for w in waits if w is not None]
                        print("%s: %d asked, %d answered, longest wait %.2f s, at most %d descriptors"
                              % (mode, len(waits), len(answered), max(answered, default=0), most), flush=True)
                        if mode != "ranges":  # those are answered at once, and gone
                            self.assertGreater(most, before + 50, "no attack took place:\n" + said[-2000:])
                        self.assertGreater(len(waits), 5)
                        self.assertEqual(len(answered), len(waits), said[-2000:])
                        self.assertLess(max(answered), 3)
                lib.until(lambda: self.open_sockets() <= before + 10, lambda: "%d descriptors, %d before" % (self.open_sockets(), before), 30)


if __name__ == "__main__":
    peer.need("slowhttptest (a Debian package)", SLOWHTTPTEST)
    sys.exit(peer.main(sys.modules[__name__]))
