#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes docs/config/reference.md from schemas/. With --check it writes nothing, and fails where the page is not what it would write.

Each object of the language gets a section with a table of its keys, in the order in which the schemas lead to it; an object
that is used at several places is described at the first one."""
import json
import os
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PAGE = os.path.join(TOP, "docs", "config", "reference.md")
HEAD = """# Configuration reference

Made from `schemas/` by `scripts/reference.py`; change it there. YAML, JSON and TOML are three spellings of one document. An unknown key is an
error. A key that is marked *not yet* belongs to the language but not to this version, and using it is an error, too.

Units: a duration is `250ms`, `5s`, `2m`, `1h`; a size is `512B`, `16KiB`, `1MiB`; a rate is `100/s`, `5000/m`; a share is `20%`.
`${NAME}` and `${NAME:-default}` in any string are filled in when the gateway is compiled, from `-D`, `--env-file` or, with
`--allow-env`, the environment. `${request.path}` and other lower-case names are filled in for each request, where the type is a template.
"""
FORMATS = {"x-duration": "duration", "x-size": "size", "x-rate": "rate", "x-percent": "share", "x-cidr": "address range",
           "x-ip": "address", "x-header-name": "field name", "x-template": "template", "x-url": "URL",
           "x-path-pattern": "path pattern", "x-host-pattern": "host pattern", "x-regex": "regex"}


class Schemas:
    def __init__(self):
        self.files = {}
        folder = os.path.join(TOP, "schemas")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".json"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    self.files[name] = json.load(file)

    def follow(self, file, schema):
        """(file, schema, identity) with references resolved; what stands beside a $ref wins over what it refers to."""
        identity = None
        while "$ref" in schema:
            target, _, pointer = schema["$ref"].partition("#")
            file = target or file
            found = self.files[file]
            for step in pointer.strip("/").split("/") if pointer.strip("/") else []:
                found = found[step]
            identity = file + "#" + pointer
            schema = {**found, **{k: v for k, v in schema.items() if k != "$ref"}}
        return file, schema, identity


class Page:
    def __init__(self):
        self.schemas = Schemas()
        self.queue, self.seen, self.lines = [], {}, [HEAD]

    def type_of(self, file, schema, path):
        """The type in words. Objects that are met are queued for a section of their own."""
        file, schema, identity = self.schemas.follow(file, schema)
        if "enum" in schema:
            return " / ".join("`%s`" % v if isinstance(v, str) else "`%s`" % json.dumps(v) for v in schema["enum"])
        if "const" in schema:
            return "`%s`" % schema["const"]
        if schema.get("format") in FORMATS:
            text = FORMATS[schema["format"]]
            return text + ", or 0" if "integer" in schema.get("type", "") and schema["type"] != "integer" else text
        branches = schema.get("anyOf", schema.get("oneOf", []) if "properties" not in schema else [])
        if branches:
            words = []
            for branch in branches:
                word = self.type_of(file, branch, path)
                if word not in words:
                    words.append(word)
            return ", or ".join(words)
        if schema.get("type") == "array" or "items" in schema:
            return "list of " + self.type_of(file, schema.get("items", {}), path + "[]")
        if "properties" in schema or isinstance(schema.get("additionalProperties"), dict):
            return self.object_of(file, schema, identity, path)
        kind = schema.get("type", "anything")
        return " or ".join(kind) if isinstance(kind, list) else kind

    def object_of(self, file, schema, identity, path):
        if isinstance(schema.get("additionalProperties"), dict) and not schema.get("properties"):
            return "map of " + self.type_of(file, schema["additionalProperties"], path + ".*")
        if not schema.get("properties"):
            return "`{}`"
        key = identity or id(schema)
        if key not in self.seen:
            self.seen[key] = path
            self.queue.append((path, file, schema))
        where = self.seen[key]
        return "[%s](#%s)" % (where, anchor(where))

    def section(self, path, file, schema):
        self.lines.append("\n## %s\n" % (path or "the document"))
        if schema.get("description"):
            self.lines.append(schema["description"] + "\n")
        self.lines.append("| key | type | default | what | example |\n|---|---|---|---|---|")
        for key, value in schema["properties"].items():
            self.row(key, file, value, (path + "." if path else "") + key, key in schema.get("required", []))
        rest = schema.get("additionalProperties")
        if isinstance(rest, dict):
            self.row("*NAME*", file, rest, (path + "." if path else "") + "*", False)

    def row(self, key, file, value, path, required):
        _, full, _ = self.schemas.follow(file, value)
        default = "required" if required else code(full["default"]) if "default" in full and full["default"] != {} else ""
        what = full.get("description", "").replace("<", "&lt;") + bounds(full)
        if "x-planned" in full:
            what = "*Not yet.* " + what
        for name, why in full.get("x-planned-values", {}).items():
            what += " *Not yet: `%s` (%s).*" % (name, why)
        for option in full.get("anyOf", []):
            if "x-planned" in option:
                what += " *Not yet: %s (%s).*" % (" or ".join("`%s`" % k for k in option["properties"]), option["x-planned"])
        example = code(full["x-example"]) if "x-example" in full else ""
        name = key if key.startswith("*") else "`%s`" % key
        kind = self.type_of(file, value, path)
        self.lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (name, kind, default, what, example)) + " |")

    def write(self):
        self.type_of("gateway.json", self.schemas.files["gateway.json"], "")
        while self.queue:
            self.section(*self.queue.pop(0))
        return "\n".join(self.lines) + "\n"


def anchor(title):
    """As forges make it of a heading."""
    title = (title or "the document").lower().replace(" ", "-")
    return "".join(c for c in title if c.isalnum() or c in "-_")


def code(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "`%s`" % text.replace("\n", "\\n") if text else "empty"


def bounds(schema):
    words = []
    for low, high, unit in (("minimum", "maximum", ""), ("x-minimum", "x-maximum", ""), ("minItems", "maxItems", " items"),
                            ("minLength", "maxLength", " characters"), ("minProperties", "maxProperties", " keys")):
        least, most = schema.get(low), schema.get(high)
        if least == most and least is not None:
            continue
        if least not in (None, 0) and most is not None:
            words.append("%s to %s%s" % (least, most, unit))
        elif most is not None:
            words.append("at most %s%s" % (most, unit))
        elif least not in (None, 0) and not (unit and least == 1):
            words.append("at least %s%s" % (least, unit))
    return " (%s)" % ", ".join(words) if words else ""


def main():
    text = Page().write()
    if "--check" in sys.argv[1:]:
        with open(PAGE, encoding="utf-8") as file:
            if file.read() != text:
                sys.exit("docs/config/reference.md is not what scripts/reference.py makes of schemas/: run it")
        return
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)


main()
