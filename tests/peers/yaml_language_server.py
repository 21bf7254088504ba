#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The schema that `toronc schema` prints, in the language server that editors use for YAML.

usage: yaml_language_server.py [TORONC]
"""
import json
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import peer  # noqa: E402

SERVER = peer.program("yaml-language-server")
GOOD = """\
listeners:
  - protocol: http
    port: 8080
routes:
  - match: {path: /api, method: [GET]}
    backend: api
    timeouts: {total: 5s}
backends:
  api:
    url: http://127.0.0.1:9000
    balance: round-robin
"""


class Server:
    """One server process, spoken to in the Language Server Protocol."""

    def __init__(self, schema):
        self.process = subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.messages, self.n, self.schema = queue.Queue(), 0, schema
        threading.Thread(target=self.read, daemon=True).start()
        self.ask("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {
            "textDocument": {"completion": {"completionItem": {"documentationFormat": ["markdown"]}}, "hover": {}, "publishDiagnostics": {}},
            "workspace": {"configuration": True}}})
        self.tell("initialized", {})

    def read(self):
        pipe = self.process.stdout
        while True:
            length = 0
            while (line := pipe.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if length == 0:
                return
            self.messages.put(json.loads(pipe.read(length)))

    def send(self, message):
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.process.stdin.flush()

    def tell(self, method, params):
        self.send({"method": method, "params": params})

    def settings(self, section):
        yaml = {"schemas": {self.schema: "*.yaml"}, "validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
        return yaml if section == "yaml" else {}

    def until(self, wanted):
        """Answers what the server asks until a message comes that is wanted."""
        while True:
            message = self.messages.get(timeout=peer.LIMIT)
            if message.get("method") == "workspace/configuration":
                self.send({"id": message["id"], "result": [self.settings(item.get("section")) for item in message["params"]["items"]]})
            elif "method" in message and "id" in message:
                self.send({"id": message["id"], "result": None})
            elif wanted(message):
                return message

    def ask(self, method, params):
        self.n += 1
        number = self.n
        self.send({"id": number, "method": method, "params": params})
        return self.until(lambda m: m.get("id") == number and "method" not in m)["result"]

    def open(self, uri, text):
        """Opens a document; returns what the server says is wrong in it."""
        self.tell("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}})
        found = self.until(lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri)
        return found["params"]["diagnostics"]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Editor(peer.PeerCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory(prefix="toron-editor-")
        self.addCleanup(temp.cleanup)
        schema = pathlib.Path(temp.name, "schema.json")
        schema.write_text(self.toronc("schema", code=0)[1], encoding="utf-8")
        self.server = Server(schema.as_uri())
        self.addCleanup(self.server.close)
        self.folder, self.n = pathlib.Path(temp.name), 0

    def open(self, text):
        self.n += 1
        self.uri = (self.folder / ("%d.yaml" % self.n)).as_uri()
        return self.server.open(self.uri, text)

    def at(self, method, line, character):
        return self.server.ask("textDocument/" + method, {"textDocument": {"uri": self.uri},
                                                          "position": {"line": line, "character": character}})

    def test_what_is_right(self):
        self.assertEqual([], self.open(GOOD))
        for name in ("seed-example", "everything-honoured"):
            for path in sorted((peer.TOP / "tests/golden" / name).glob("input.yaml")):
                self.assertEqual([], self.open(path.read_text(encoding="utf-8")), name)

    def test_what_is_wrong(self):
        for wrong, line in ((GOOD.replace("port: 8080", "port: 80800"), 2), (GOOD.replace("port:", "prot:"), 2),
                            (GOOD.replace("balance: round-robin", "balance: roundrobin"), 10),
                            (GOOD.replace("    backend: api\n", "    backend: api\n    retries: 3\n"), 6)):
            said = self.open(wrong)
            self.assertTrue(said, wrong)
            self.assertIn(line, [d["range"]["start"]["line"] for d in said] + [d["range"]["start"]["line"] + 1 for d in said], said)

    def test_keys_and_values_are_offered(self):
        self.open(GOOD + "    \n")
        found = self.at("completion", 11, 4)
        labels = {item["label"] for item in found["items"]}
        self.assertLessEqual({"retry", "timeouts", "servers"}, labels)
        self.open("listeners:\n  - protocol: \n")
        found = self.at("completion", 1, 14)
        self.assertIn("http", {item["label"] for item in found["items"]})

    def test_descriptions_are_shown(self):
        self.open(GOOD)
        shown = self.at("hover", 2, 6)
        text = json.dumps(shown)
        description = self.toronc("help", "config", "listeners.port", code=0)[1].split("\n")[1].strip()
        self.assertIn(description.rstrip(".")[:30], text)


if __name__ == "__main__":
    peer.need("yaml-language-server (npm)", SERVER)
    sys.exit(peer.main(sys.modules[__name__]))
