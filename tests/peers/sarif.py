#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""`toronc check --format sarif` against the schema of SARIF 2.1.0, by the jsonschema package and by `toronc validate`.

usage: sarif.py [TORONC]     the schema: $SARIF_SCHEMA, or that of the npm package @microsoft/jest-sarif
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import peer  # noqa: E402

VALIDATE = """
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1], encoding="utf-8"))
validator = jsonschema.validators.validator_for(schema)(schema)
for path in sys.argv[2:]:
    errors = [e.json_path + ": " + e.message[:200] for e in validator.iter_errors(json.load(open(path, encoding="utf-8")))]
    print(json.dumps([path, errors]))
"""


def find_schema():
    if os.environ.get("SARIF_SCHEMA"):
        return os.path.abspath(os.environ["SARIF_SCHEMA"])
    found = sorted((peer.folder() / "node_modules/@microsoft/jest-sarif").rglob("sarif-2.1.0*.json"))
    return str(found[-1]) if found else None


def find_python():
    """An interpreter that has jsonschema, or None."""
    for python in (str(peer.folder() / "venv/bin/python3"), sys.executable):
        if os.path.exists(python) and subprocess.run([python, "-c", "import jsonschema"], capture_output=True).returncode == 0:
            return python
    return None


SCHEMA, PYTHON = find_schema(), find_python()


class Sarif(peer.PeerCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory(prefix="toron-sarif-")
        cls.logs = []
        for i, path in enumerate(peer.configs()):
            done = subprocess.run([cls.toronc_path, "check", "--format", "sarif", path.name], cwd=path.parent, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=peer.LIMIT)
            log = pathlib.Path(cls.temp.name, "%03d-%s.json" % (i, path.parent.name))
            log.write_bytes(done.stdout)
            cls.logs.append(str(log))

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    def errors(self, *logs):
        done = subprocess.run([PYTHON, "-c", VALIDATE, SCHEMA, *logs], capture_output=True, timeout=peer.LIMIT, check=True)
        return dict(json.loads(line) for line in done.stdout.decode().splitlines())

    def test_jsonschema_takes_all(self):
        self.assertGreater(len(self.logs), 200)
        wrong = {name: errors for name, errors in self.errors(*self.logs).items() if errors}
        self.assertEqual({}, wrong)

    def test_toronc_takes_all(self):
        for log in self.logs:
            self.toronc("validate", "--schema", SCHEMA, log, code=0)

    def test_both_refuse_what_is_broken(self):
        with open(next(log for log in self.logs if "port-out-of-range" in log), encoding="utf-8") as f:
            good = json.load(f)
        breaks = {
            "no-version": lambda log: log.pop("version"),
            "version": lambda log: log.update(version="2.0"),
            "no-driver": lambda log: log["runs"][0]["tool"].pop("driver"),
            "level": lambda log: log["runs"][0]["results"][0].update(level="fatal"),
            "line-zero": lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
            "message": lambda log: log["runs"][0]["results"][0].pop("message"),
            "unknown-key": lambda log: log["runs"][0]["results"][0].update(severity=1),
            "rules-twice": lambda log: log["runs"][0]["tool"]["driver"]["rules"].append(log["runs"][0]["tool"]["driver"]["rules"][0]),
        }
        for name, change in breaks.items():
            with self.subTest(name=name):
                log = copy.deepcopy(good)
                change(log)
                path = os.path.join(self.temp.name, name + ".json")
                with open(path, "w", encoding="utf-8") as f:
                    json.dump(log, f)
                self.assertNotEqual([], self.errors(path)[path])
                self.toronc("validate", "--schema", SCHEMA, path, code=1)


if __name__ == "__main__":
    peer.need("the schema of SARIF (npm: @microsoft/jest-sarif)", SCHEMA)
    peer.need("jsonschema (a Python package)", PYTHON)
    sys.exit(peer.main(sys.modules[__name__]))
