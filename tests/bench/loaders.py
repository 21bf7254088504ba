# SPDX-License-Identifier: MIT OR Apache-2.0
"""What makes the load of a row in bench.py: each loader keeps core 1 busy for so many seconds, and returns how many requests (handshakes,
messages) were done."""
import os
import re
import subprocess
import sys

import peers

# Whatever a client offers, all proxies speak the same: the rows compare proxies, not the ciphers that they prefer.
OPENSSL_CONF = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = client
[client]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = X25519
"""


def run(args, seconds, work):
    env = dict(os.environ, OPENSSL_CONF=peers.write(work, "openssl.cnf", OPENSSL_CONF))
    return subprocess.run(["taskset", "-c", "1", *args], stdout=subprocess.PIPE, env=env, timeout=seconds + 60).stdout.decode()


def url_of(process, row):
    scheme = "https" if row.setup.front in peers.TLS_FRONTS else "http"
    return "%s://127.0.0.1:%d%s" % (scheme, process.port, row.target)


def complain(text):
    print("  (errors: %s)" % text, file=sys.stderr)


def wrk(process, row, seconds, work):
    """HTTP/1.1. `upload`: bytes of a request body, sent by POST."""
    extra = list(row.extra)
    if row.upload:
        extra += ["-s", peers.write(work, "post-%d.lua" % row.upload, 'wrk.method = "POST"\nwrk.body = string.rep("x", %d)\n' % row.upload)]
    text = run(["wrk", "-t1", "-c%d" % row.connections, "-d%ds" % seconds, *extra, url_of(process, row)], seconds, work)
    if "Non-2xx" in text or "Socket errors: connect" in text:
        complain(text.strip().splitlines()[-3:])
    return int(re.search(r"(\d+) requests in", text).group(1))


def h2load(process, row, seconds, work):
    """HTTP/2; `extra` has the streams of a connection: -m."""
    text = run(["h2load", "-t1", "-c%d" % row.connections, "-D%d" % seconds, "--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519", *row.extra,
                url_of(process, row)], seconds, work)
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    if any(int(n) for n in codes.groups()[1:]):
        complain(codes.group(0))
    return int(codes.group(1))


def own(process, row, seconds, work):
    """`extra` names what load.c does."""
    text = run([peers.program("load", work), *row.extra, str(process.port), str(row.connections), str(seconds)], seconds, work)
    done, failed = map(int, text.split())
    if failed:
        complain("%d of %s" % (failed, row.extra[0]))
    return done
