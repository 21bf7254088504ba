# SPDX-License-Identifier: MIT OR Apache-2.0
"""What bench.py counts beside times: system calls and user instructions per request, memory at rest and per idle client."""
import os
import shutil
import socket
import ssl
import subprocess
import time

import lib
import peers

# The rows whose system calls are counted, by a part of their names that no other has.
COUNTED = ("GET small, 64", "GET 1 MB, 16", "TLS, GET small", "TLS, GET 1 MB", "over TLS, 16", "in clear, 16", "backend, all", "WebSocket")
HPACK = b"\x82%s\x04\x06/small\x41\x09127.0.0.1"  # :method GET, :scheme, :path /small, :authority a (RFC 7541)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00" + bytes(4)
SETTINGS_ACK = b"\x00\x00\x00\x04\x01" + bytes(4)


def syscalls(process, row, work):
    """System calls per request, as the kernel's tracepoint counts them (perf, which hardly disturbs), else strace."""
    row.tool(process, row, 1, work)  # what h2load cut off when its time was over has to be connected anew
    if not shutil.which("perf"):
        return syscalls_by_strace(process, row, work)
    out = os.path.join(work, "perf")
    command = ["perf", "stat", "-x,", "-o", out, "-e", "raw_syscalls:sys_enter", "-p", ",".join(map(str, process.pids()))]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    n = row.tool(process, row, 4, work)
    tracer.send_signal(2)
    tracer.wait()
    with open(out) as f:
        lines = [line for line in f if "raw_syscalls" in line and line[0].isdigit()]
    return int(lines[0].split(",")[0]) / max(n, 1) if lines else syscalls_by_strace(process, row, work)


def syscalls_by_strace(process, row, work):
    if not shutil.which("strace"):
        return None
    out = os.path.join(work, "strace")
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", out, *sum((["-p", str(p)] for p in process.pids()), [])],
                              stderr=subprocess.DEVNULL)
    time.sleep(1)
    n = row.tool(process, row, 2, work)
    tracer.terminate()
    tracer.wait()
    with open(out) as f:
        total = next(line for line in f if line.rstrip().endswith(" total"))
    return int(total.split()[3 if len(total.split()) > 4 else 2]) / max(n, 1)


def instructions(field, row):
    """User instructions per request of a gateway under callgrind; 32 connections of which all wait at once."""
    out = os.path.join(field.work, "callgrind.out")
    process = field.start("toron", row.setup, ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=" + out])
    try:
        row = row._replace(connections=32)
        row.tool(process, row, 1, field.work)
        control = ["callgrind_control", "--instr=%s", str(process.p.pid)]
        lib.run([control[0], control[1] % "on", control[2]])
        n = row.tool(process, row, 4, field.work)
        lib.run([control[0], control[1] % "off", control[2]])
    finally:
        process.stop()
    with open(out) as f:
        totals = [line for line in f if line.startswith("totals:")]
    return int(totals[-1].split()[1]) / max(n, 1)


SMALL = b"xxxxxx"  # what backend.c answers to /small


def ask(port, front, context):
    """A client that asked once, and has its answer."""
    s = socket.create_connection(("127.0.0.1", port), 10)
    if context:
        s = context.wrap_socket(s, server_hostname="localhost")
    if front in ("http", "https"):
        s.sendall(b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        s.recv(4096)
        return s
    block = HPACK % (b"\x87" if context else b"\x86")
    s.sendall(PREFACE + SETTINGS_ACK + len(block).to_bytes(3, "big") + b"\x01\x05" + (1).to_bytes(4, "big") + block)
    seen = b""
    while SMALL not in seen and len(seen) < 4096:
        part = s.recv(4096)
        if not part:
            raise ConnectionError("no answer")
        seen += part
    return s


def idle_kib(process, front, n):
    """Memory of a process at rest, and what each of n clients adds that asked once and keeps its connection."""
    context = None
    if front in peers.TLS_FRONTS:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2" if front == "h2" else "http/1.1"])
    clients = []
    try:
        for _ in range(20):  # what a process takes with its first clients is not theirs
            clients.append(ask(process.port, front, context))
        before = process.rss_kib()
        for _ in range(n):
            clients.append(ask(process.port, front, context))
        time.sleep(3)  # buffers that a quiet second did not need go back
        return before, (process.rss_kib() - before) / n
    finally:
        for s in clients:
            s.close()


def memory(field, name, args):
    found = {}
    for front in peers.FRONTS:
        process = field.start(name, peers.Setup(front=front))
        try:
            rest, each = idle_kib(process, front, args.idle if front == "http" else args.idle // 4)
            found["idle_" + front] = each
            if front == "http":
                found["rest_kib"] = rest
        except (OSError, ssl.SSLError) as e:
            print("  (%s, idle %s: %s)" % (name, front, e))
        finally:
            process.stop()
    return found


def all_of(field, rows, args):
    result = {}
    for name in peers.installed():
        result[name] = memory(field, name, args)
        for word in COUNTED:
            row = next(r for r in rows if word in r.name and not r.contenders)
            process = field.get(name, row.setup)
            if process:
                result[name][row.name] = syscalls(process, row, field.work)
        print("%-10s %s" % (name, "; ".join("%s %.4g" % (k, v) for k, v in result[name].items() if v is not None)), flush=True)
    if shutil.which("valgrind"):
        result["toron"]["instructions"] = instructions(field, rows[0])
        print("instructions per small request: %d" % result["toron"]["instructions"])
    return result
