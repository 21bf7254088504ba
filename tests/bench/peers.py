# SPDX-License-Identifier: MIT OR Apache-2.0
"""The proxies that bench.py compares, with equivalent tuned configurations: so many workers, backend connections kept alive, no log
unless asked for. To add one, write a function of a Setup that returns the command (and its environment), and name it in PEERS."""
import collections
import os
import resource
import shutil
import signal
import socket
import subprocess
import time

import lib

# What a row asks of all: `workers`, an access log, what is spoken with clients (FRONTS) and with the backend ("http", "h2c", and "ws" for a
# server of WebSockets). A peer that cannot do it returns None.
Setup = collections.namedtuple("Setup", "workers log front back", defaults=(1, False, "http", "http"))
FRONTS = ("http", "https", "h2c", "h2")
TLS_FRONTS = ("https", "h2")
FLOOR = "copy"  # copy.c, beside the peers when it is asked for
HERE = os.path.dirname(os.path.abspath(__file__))

NGINX = """\
daemon off; master_process %(master)s; worker_processes %(workers)d; error_log %(dir)s/error.log; pid %(dir)s/pid;
events { worker_connections 16384; }
http {
  access_log %(log)s; keepalive_requests 1000000000; keepalive_timeout 600s; client_body_buffer_size 2m; client_max_body_size 10m;
  client_body_temp_path %(dir)s/body; proxy_temp_path %(dir)s/p; fastcgi_temp_path %(dir)s/f; uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
  upstream back { server 127.0.0.1:%(back)d; keepalive 512; keepalive_requests 1000000000; keepalive_timeout 600s; }
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  ssl_certificate %(cert)s; ssl_certificate_key %(key)s; ssl_protocols TLSv1.3; ssl_session_tickets on;
  http2_max_requests 1000000000; http2_max_concurrent_streams 256;
  server { listen 127.0.0.1:%(port)d %(listen)s reuseport backlog=4096; location / { %(location)s } }
}
"""
NGINX_PROXY = 'proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection "";'
NGINX_WEBSOCKET = ('proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; '
                   'proxy_set_header Connection $connection_upgrade; proxy_read_timeout 600s;')
HAPROXY = """\
global
  nbthread %(workers)d
  maxconn %(most)d
  tune.h2.max-concurrent-streams 256
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
  http-reuse always
frontend f
  bind 127.0.0.1:%(port)d %(listen)s
  default_backend b
backend b
  server s 127.0.0.1:%(back)d pool-max-conn 1024 %(proto)s
"""
H2O = """\
num-threads: %(workers)d
max-connections: %(most)d
http1-request-timeout: 600
listen: {host: 127.0.0.1, port: %(port)d%(listen)s}
http2-idle-timeout: 600
error-log: %(dir)s/error.log
%(log)s
hosts:
  default:
    paths:
      "/":
        proxy.reverse.url: "http://127.0.0.1:%(back)d/"
        proxy.timeout.keepalive: 600000
        proxy.timeout.io: 600000
        proxy.websocket: %(websocket)s
"""
CADDY = """\
{
  admin off
  auto_https off
  servers {
    protocols h1 h2 h2c
  }
}
%(scheme)s://127.0.0.1:%(port)d {
  %(tls)s
  %(log)s
  reverse_proxy 127.0.0.1:%(back)d {
    transport http {
      keepalive 600s
      keepalive_idle_conns_per_host 512
      %(versions)s
    }
  }
}
"""
TORON = """\
%(certificates)s
listeners: [{protocol: %(protocol)s, address: 127.0.0.1, port: %(port)d, timeouts: {idle: 600s}, limits: {streams: 256}%(listen)s}]
routes: [{match: {path: /}, backend: {url: "http://127.0.0.1:%(back)d", pool: {idle_connections: 512}%(backend)s}}]
runtime: {workers: %(workers)d}
%(log)s
"""


def raise_limit():
    """As many descriptors as there may be, and how many these are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 50000), max(hard, 50000)))
    except (OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def write(folder, name, text):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def program(name, work):
    """A C program of this folder, compiled; None without a compiler or OpenSSL's headers."""
    path = os.path.join(work, name)
    if not os.path.exists(path):
        command = ["cc", "-O2", "-D_GNU_SOURCE", os.path.join(HERE, name + ".c"), "-o", path, "-lssl", "-lcrypto", "-pthread"]
        if not shutil.which("cc") or subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0:
            return None
    return path


def certificate(folder):
    """The files of a P-256 certificate and its key, one pair for all in the same run."""
    pair = os.path.join(os.path.dirname(folder), "cert.pem"), os.path.join(os.path.dirname(folder), "key.pem")
    if not os.path.exists(pair[0]):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "30",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", pair[0], "-keyout", pair[1]],
                       check=True, stderr=subprocess.DEVNULL)
    return pair


def toron(setup, folder, port, back):
    os.makedirs(folder, exist_ok=True)
    log = "log: {access: {enabled: true, path: %s}}" % os.path.join(folder, "access.log") if setup.log else ""
    versions = ', http_versions: ["2"]' if setup.front in ("h2", "h2c") else ""
    tls = setup.front in TLS_FRONTS
    return [lib.compile_config(TORON % {
        "port": port, "back": back, "workers": setup.workers, "log": log, "protocol": "https" if tls else "http",
        "certificates": "certificates: {own: {cert: %s, key: %s}}" % certificate(folder) if tls else "",
        "listen": versions + (", tls: {certificates: [own]}" if tls else ""),
        "backend": ", protocol: h2" if setup.back == "h2c" else ""})], {}


def nginx(setup, folder, port, back):
    if setup.back == "h2c":
        return None
    log = "%s/access.log combined buffer=64k flush=1s" % folder if setup.log else "off"
    cert, key = certificate(folder)
    return ["nginx", "-c", write(folder, "conf", NGINX % {
        "dir": folder, "port": port, "back": back, "workers": setup.workers, "log": log, "cert": cert, "key": key,
        "location": NGINX_WEBSOCKET if setup.back == "ws" else NGINX_PROXY,
        "listen": {"http": "", "https": "ssl", "h2c": "http2", "h2": "ssl http2"}[setup.front],
        "master": "on" if setup.workers > 1 else "off"})], {}


def haproxy(setup, folder, port, back):
    if setup.log:  # it logs to syslog only
        return None
    cert, key = certificate(folder)
    with open(cert) as c, open(key) as k:
        both = write(folder, "both.pem", c.read() + k.read())
    tls = "ssl crt %s alpn " % both
    return ["haproxy", "-db", "-f", write(folder, "conf", HAPROXY % {
        "port": port, "back": back, "workers": setup.workers, "most": raise_limit() // 2 - 200, "proto": "proto h2" if setup.back == "h2c" else "",
        "listen": {"http": "", "https": tls + "http/1.1", "h2c": "proto h2", "h2": tls + "h2"}[setup.front]})], {}


def h2o(setup, folder, port, back):
    if setup.back == "h2c":
        return None
    log = "access-log: %s/access.log" % folder if setup.log else ""
    user = "user: root\n" if os.getuid() == 0 else ""
    tls = ", ssl: {certificate-file: %s, key-file: %s}" % certificate(folder) if setup.front in TLS_FRONTS else ""
    return ["h2o", "-c", write(folder, "conf", user + H2O % {
        "dir": folder, "port": port, "back": back, "workers": setup.workers, "log": log, "most": raise_limit() // 2 - 200, "listen": tls,
        "websocket": "ON" if setup.back == "ws" else "OFF"})], {}


def caddy(setup, folder, port, back):
    log = "log {\n output file %s/access.log\n }" % folder if setup.log else ""
    tls = setup.front in TLS_FRONTS
    path = write(folder, "Caddyfile", CADDY % {
        "port": port, "back": back, "log": log, "scheme": "https" if tls else "http", "tls": "tls %s %s" % certificate(folder) if tls else "",
        "versions": "versions h2c" if setup.back == "h2c" else ""})
    return ["caddy", "run", "--adapter", "caddyfile", "--config", path], {"GOMAXPROCS": str(setup.workers), "HOME": folder}


def copy(setup, folder, port, back):
    """What it copies it cannot translate."""
    if setup.log or setup.front != "http" or setup.workers != 1:
        return None
    program_path = program("copy", os.path.dirname(folder))
    return program_path and ([program_path, str(port), str(back)], {})


PEERS = {"toron": toron, "nginx": nginx, "haproxy": haproxy, "h2o": h2o, "caddy": caddy, FLOOR: copy}
VERSIONS = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "h2o": ["h2o", "--version"], "caddy": ["caddy", "version"]}


def installed():
    return [name for name in PEERS if name == "toron" or name in VERSIONS and shutil.which(name)]


def version(name):
    if name == "toron":
        return lib.toronc("--version")[1].split("\n")[0]
    out = lib.run(VERSIONS[name])
    return (out.stdout + out.stderr).decode(errors="replace").split("\n")[0]


class Process:
    """A server that listens, on the cores that it may use."""

    def __init__(self, command, cores, port):
        args, env = command
        self.port = port
        self.p = subprocess.Popen(["taskset", "-c", cores, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=dict(os.environ, **env))
        end = time.monotonic() + 20
        while time.monotonic() < end and self.p.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("%s did not start" % args[0])

    def pids(self):
        """The process and all below it."""
        found = [self.p.pid]
        for pid in found:
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                found += [int(child) for child in f.read().split()]
        return found

    def cpu_us(self):
        """User and system time so far. The sum is exact; the kernel samples how it splits."""
        total = user = system = 0
        for pid in self.pids():
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                    total += int(f.read().split()[0]) / 1000
                with open("/proc/%d/task/%s/stat" % (pid, task)) as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                user, system = user + int(fields[11]), system + int(fields[12])
        return total, user, system

    def rss_kib(self):
        total = 0
        for pid in self.pids():
            with open("/proc/%d/status" % pid) as f:
                total += int(next(line for line in f if line.startswith("VmRSS")).split()[1])
        return total

    def stop(self):
        if self.p.poll() is not None:
            return
        self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(5)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
