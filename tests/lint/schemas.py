#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each key of the config language has a description and an example in schemas/, objects are closed, and the pages
that are made from sources (docs/config/reference.md, docs/diagnostics.md) are what those say. One line a finding, then "N passed, N failed"."""
import json
import os
import re
import subprocess
import sys

TOP = os.environ.get("TORON_SRCDIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FOLDER = os.path.join(TOP, "schemas")


def load():
    files = {}
    for name in sorted(os.listdir(FOLDER)):
        if name.endswith(".json"):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                files[name] = json.load(file)
    return files


def follow(files, file, schema):
    """The schema with its references resolved; raises KeyError where one leads nowhere."""
    while "$ref" in schema:
        target, _, pointer = schema["$ref"].partition("#")
        file = target or file
        found = files[file]
        for step in pointer.strip("/").split("/") if pointer.strip("/") else []:
            found = found[step]
        schema = {**found, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def keys(schema, path=""):
    """(path, schema) of each key of each object below."""
    if isinstance(schema, list):
        for item in schema:
            yield from keys(item, path)
    elif isinstance(schema, dict):
        for name, value in schema.items():
            # What stands there is data, no schema.
            if name in ("default", "x-example", "enum", "const", "required"):
                continue
            if name == "properties" and isinstance(value, dict):
                for key, sub in value.items():
                    yield path + "/" + key, sub
            yield from keys(value, path + "/" + name)


def objects(schema, path=""):
    if isinstance(schema, list):
        for item in schema:
            yield from objects(item, path)
    elif isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            yield path or "/", schema
        for name, value in schema.items():
            if name not in ("default", "x-example", "enum", "const", "required"):
                yield from objects(value, path + "/" + name)


def check_key(files, file, path, schema):
    try:
        full = follow(files, file, schema)
    except (KeyError, TypeError):
        return ["schemas/%s: %s: %s leads nowhere" % (file, path, schema.get("$ref"))]
    findings = []
    if not full.get("description"):
        findings.append("schemas/%s: %s has no description" % (file, path))
    is_object = "properties" in full or isinstance(full.get("additionalProperties"), dict)
    if "x-example" not in full and not is_object and "const" not in full and "anyOf" not in full:
        findings.append("schemas/%s: %s has no x-example" % (file, path))
    return findings


def reachable(files, file, found):
    """The files that gateway.json leads to; others (the schema of schemas) are no part of the language."""
    found.add(file)
    for target in set(re.findall(r'"\$ref": "([^"#]+)', json.dumps(files[file]))):
        if target in files and target not in found:
            reachable(files, target, found)
    return found


def main():
    files = load()
    results = []
    for file in sorted(reachable(files, "gateway.json", set())):
        schema = files[file]
        results += [check_key(files, file, path, sub) for path, sub in keys(schema)]
        results += [[] if "additionalProperties" in found else ["schemas/%s: %s is open: no additionalProperties" % (file, path)]
                    for path, found in objects(schema)]
    for script in ("reference.py", "diagnostics.py"):
        done = subprocess.run([sys.executable, os.path.join(TOP, "scripts", script), "--check"], text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        results.append([done.stdout.strip()] if done.returncode else [])
    for finding in sum(results, []):
        print(finding)
    failed = sum(bool(r) for r in results)
    print("%d passed, %d failed" % (len(results) - failed, failed))
    return 1 if failed else 0


sys.exit(main())
