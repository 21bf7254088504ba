#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Judges the YAML reader with the public yaml-test-suite.

usage: yaml_suite.py TORONC [DATA [EXCEPTIONS]]

DATA is the suite's src folder (yaml-test-suite/src below $TORON_DATA unless given). A case passes when toronc
refuses what the suite calls an error, and otherwise reads the same values as the suite's JSON, or as its event tree
where it has no JSON. Cases in EXCEPTIONS (yaml-exceptions.txt beside this file
unless given) must behave otherwise; one that passes is unexpected too, so that the list stays true."""

import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from judge import arguments, report, run_toronc  # noqa: E402


def unquote(text):
    text = text.strip()
    return text[1:-1] if text[:1] in "'\"" and text[-1:] == text[:1] else text


def read_cases(path):
    """The suite's own files are regular: a list of maps with plain and literal values, each at indent 2."""
    cases, case, key = [], None, None
    with open(path, encoding="utf-8", newline="\n") as source:
        lines = source.read().split("\n")
    for line in lines:
        start = re.match(r"^(- |  )(\w+):(?: (.*))?$", line)
        if start and (start[1] == "- " or case is not None):
            if start[1] == "- ":
                case = {}
                cases.append(case)
            key = start[2]
            value = start[3] or ""
            if re.match(r"^[|>]", value):
                case[key] = []
                case["style " + key] = value
            else:
                case[key] = unquote(value)
                key = None
        elif key is not None and case is not None:
            case[key].append(line)
    for case in cases:
        for name in [k for k, v in case.items() if isinstance(v, list)]:
            case[name] = literal(case[name], case["style " + name])
    return inherit(cases)


def literal(lines, style):
    digit = re.search(r"\d", style)
    if digit:
        indent = 2 + int(digit[0])
    else:
        indent = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip(" ")), 0)
    text = "\n".join(line[indent:] for line in lines)
    if "-" in style:
        return text.rstrip("\n")
    return text if "+" in style else (text.rstrip("\n") + "\n" if text.strip("\n") else "")


def inherit(cases):
    """A later case of a file repeats what it does not say."""
    known = {}
    for case in cases:
        if "fail" in case:
            known.pop("json", None)
        for key in ("tree", "json"):
            if key in case:
                known[key] = case[key]
            elif key in known and "fail" not in case:
                case[key] = known[key]
    return cases


def visible(text):
    """The marks that the suite uses for what cannot be seen."""
    text = re.sub("\u2014*\u00bb", "\t", text)
    text = text.replace("\u2423", " ").replace("\u2190", "\r").replace("\u21d4", "\ufeff").replace("\u21b5", "")
    return re.sub("\u220e\n\\Z", "", text)


# ---- what the suite expects ----

NULLS = ("", "~", "null", "Null", "NULL")


def plain(text):
    if text in NULLS:
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    if re.fullmatch(r"0o[0-7]+", text):
        return int(text[2:], 8)
    if re.fullmatch(r"0x[0-9a-fA-F]+", text):
        return int(text[2:], 16)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return float(text)
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)", text):
        return float(text.replace(".", ""))
    if text in (".nan", ".NaN", ".NAN"):
        return float("nan")
    return text


ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "\\": "\\"}


class Events:
    """Builds values from the suite's event notation; several documents give several values."""

    def __init__(self, tree):
        self.lines = [line.strip(" ") for line in visible(tree).split("\n") if line.strip(" ")]
        self.at = 0
        self.anchors = {}

    def documents(self):
        values = []
        while self.at < len(self.lines):
            if self.lines[self.at].startswith("+DOC"):
                self.at += 1
                values.append(self.value())
            self.at += 1
        return values

    def value(self):
        line = self.lines[self.at]
        self.at += 1
        if line.startswith("=ALI"):
            return self.anchors[line[6:]]
        properties = re.match(r"^(\S+)((?: (?:&\S+|<[^>]*>|\[\]|\{\}))*)(.*)$", line, re.S)
        anchor = re.search(r" &(\S+)", properties[2])
        tag = re.search(r" <([^>]*)>", properties[2])
        if line.startswith("=VAL"):
            result = self.scalar(properties[3][1:], tag[1] if tag else None)
        else:
            result = self.items() if line.startswith("+SEQ") else self.members()
        if anchor:
            self.anchors[anchor[1]] = result
        return result

    def scalar(self, text, tag):
        style, text = text[:1], re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), text[1:])
        if tag is not None:
            return text if tag in ("!", "tag:yaml.org,2002:str") else plain(text)
        return plain(text) if style == ":" else text

    def items(self):
        items = []
        while not self.lines[self.at].startswith("-SEQ"):
            items.append(self.value())
        self.at += 1
        return items

    def members(self):
        members = {}
        while not self.lines[self.at].startswith("-MAP"):
            key = self.key()
            members[key] = self.value()
        self.at += 1
        return members

    def key(self):
        line = self.lines[self.at]
        value = self.value()
        text = re.match(r"^=VAL.*? ([:\"'|>])(.*)$", line, re.S)
        if text:
            return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), text[2])
        return value if isinstance(value, str) else json.dumps(value)


def json_values(text):
    values, decoder, at = [], json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values


def expected(case):
    """The list of documents, or None for an error."""
    if "fail" in case:
        return None
    if "json" in case and case["json"].strip():
        return json_values(case["json"])
    return Events(case["tree"]).documents()


# ---- what toronc says ----

def untag(value):
    if isinstance(value, list):
        return [untag(item) for item in value]
    if set(value) == {"type", "value"} and isinstance(value["value"], str):
        kind, text = value["type"], value["value"]
        return {"null": lambda: None, "bool": lambda: text == "true", "integer": lambda: int(text),
                "float": lambda: float(text)}.get(kind, lambda: text)()
    return {key: untag(item) for key, item in value.items()}


def same(a, b):
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b or (a != a and b != b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def judge(toronc, case, folder):
    """None if the case passes, else what is wrong."""
    path = os.path.join(folder, "case.yaml")
    with open(path, "wb") as out:
        out.write(visible(case["yaml"]).encode("utf-8"))
    status, value, message = run_toronc(toronc, path)
    want = expected(case)
    if status not in (0, 1):
        return "toronc ended with status %d: %s" % (status, message)
    if want is None:
        return None if status == 1 else "accepted"
    if status == 1:
        return "refused: " + message
    got = untag(value)
    if len(want) == 0:
        want = [None]
    if len(want) != 1 or not same(got, want[0]):
        return "read as %s, not %s" % (json.dumps(got), json.dumps(want))
    return None


def main():
    toronc, data, exceptions = arguments("yaml-test-suite/src", "yaml-exceptions.txt")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(os.listdir(data)):
            if not name.endswith(".yaml"):
                continue
            cases = read_cases(os.path.join(data, name))
            for number, case in enumerate(cases):
                if "skip" not in case:
                    label = name[:-5] + ("-%d" % number if len(cases) > 1 else "")
                    results[label] = judge(toronc, case, folder)
    return report(results, exceptions)


if __name__ == "__main__":
    sys.exit(main())
