#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every #include goes in a direction that docs/layers.txt allows. One line a finding, then "N passed, N failed"."""
import os
import re
import sys

TOP = os.environ.get("TORON_SRCDIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ABI = "runtime/include/toron"
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|(<[^>]+>))')
SEARCH = {"compiler": ("compiler", "runtime", "runtime/include"), "runtime": ("runtime", "runtime/include")}


class Rules:
    def __init__(self, path):
        self.rank, self.takes, self.split, self.allowed, self.only = {}, {}, set(), [], {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.split("#")[0].split(" -- ")[0].strip()
                if line:
                    self.read(*line.split(None, 1))

    def read(self, word, rest):
        if word == "layers":
            root, chain = rest.split(":")
            for rank, group in enumerate(chain.split("<")):
                for folder in group.split("|"):
                    self.rank[root + "/" + folder.strip()] = rank
        elif word == "split":
            self.split.add(rest)
        elif word == "take":
            root, folder = rest.split()
            self.takes.setdefault(root, set()).add(folder)
        elif word == "allow":
            self.allowed.append(tuple(rest.split()))
        elif word == "only":
            header, *folders = rest.split()
            self.only[header] = folders
        else:
            sys.exit("docs/layers.txt: unknown word '%s'" % word)

    def folder(self, path):
        """The layer that a file belongs to."""
        if path.startswith(ABI + "/"):
            return ABI
        return "/".join(path.split("/")[:2])

    def may(self, path, target):
        here, there = self.folder(path), self.folder(target)
        if any(path.startswith(a) and target.startswith(b) for a, b in self.allowed):
            return True
        if here == ABI:
            return there == ABI
        if there in self.takes.get(path.split("/")[0], ()):
            return True
        if here == there:
            return here not in self.split or self.same_branch(path, target)
        if here.split("/")[0] != there.split("/")[0]:
            return False
        return here in self.rank and there in self.rank and self.rank[there] < self.rank[here]

    @staticmethod
    def same_branch(path, target):
        """In a split folder: own branch, or the files that stand above the branches."""
        mine, other = path.split("/")[2:-1], target.split("/")[2:-1]
        return not other or mine[:1] == other[:1]


def resolve(root, name):
    for place in SEARCH[root]:
        path = place + "/" + name
        if os.path.exists(os.path.join(TOP, path)):
            return path
    return None


def check_file(rules, path):
    root = path.split("/")[0]
    findings = []
    if rules.folder(path) != ABI and rules.folder(path) not in rules.rank and path.count("/") > 1:
        findings.append("%s: %s is no layer of docs/layers.txt" % (path, rules.folder(path)))
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            name, system = match.groups()
            place = "%s:%d" % (path, number)
            if system:
                owners = rules.only.get(system)
                if owners and not any(path.startswith(o + "/") for o in owners):
                    findings.append("%s: %s belongs to %s" % (place, system, ", ".join(owners)))
                continue
            target = resolve(root, name)
            if target is None:
                if not is_generated(root, name):
                    findings.append('%s: "%s" is not below %s' % (place, name, ", ".join(SEARCH[root])))
            elif not rules.may(path, target):
                findings.append("%s: %s may not include %s" % (place, rules.folder(path), target))
    return findings


def is_generated(root, name):
    return name.endswith(".h") and os.path.exists(os.path.join(TOP, root, name[:-2] + ".y"))


def sources():
    for root in SEARCH:
        for folder, _, names in os.walk(os.path.join(TOP, root)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".re", ".y", ".def")):
                    yield os.path.relpath(os.path.join(folder, name), TOP)


def main():
    rules = Rules(os.path.join(TOP, "docs", "layers.txt"))
    passed = failed = 0
    for path in sources():
        findings = check_file(rules, path)
        for finding in findings:
            print(finding)
        passed += not findings
        failed += bool(findings)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


sys.exit(main())
