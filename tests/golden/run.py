#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Golden tests: configurations and what toronc must say about them.

    run.py TORONC [--update] [--codes DIAG_DEF] [CASE...]

A case is a folder beside this file with one or more inputs (input.yaml, input.json, input.toml, ...) and what is expected of each:

    diagnostics.txt   standard error of `toronc check INPUT`; with several inputs diagnostics.<ending>.txt, where an empty one may be
                      left out. Errors mean exit status 1, none mean 0.
    model.txt         `toronc dump --stage model --no-origins INPUT`: the same for all inputs
    plan.txt          `toronc dump --stage plan --no-origins INPUT`: the same for all inputs
    tree.json         `toronc dump --stage tree INPUT`: the same for all inputs
    c.txt             `toronc dump --stage c INPUT`, the emitted files, with the version of toronc as VERSION
    args              options for all these commands, separated by spaces
    command           instead of `check INPUT`: a whole command line, such as `validate --schema schema.json input.json`

A case with nothing but input.yaml is also tried in JSON and in TOML, as `toronc convert` writes it: the same must be said, of the same
values. (Not where it cannot be read or converted, which is then what the case is about.) A file yaml-only says why it is not.

--update writes what toronc says into the files that exist (and diagnostics.txt); read the difference before you commit it.
--codes also checks that every code of DIAG_DEF occurs in some case, or is listed in codes-elsewhere.txt with the reason.
"""
import difflib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 20
SHARED = {
    "model.txt": ["dump", "--stage", "model", "--no-origins"],
    "plan.txt": ["dump", "--stage", "plan", "--no-origins"],
    "tree.json": ["dump", "--stage", "tree"],
    "c.txt": ["dump", "--stage", "c"],
}


def run(toronc, words, folder):
    """Returns (status, stdout, stderr) as text; a crash or hang is a status of its own."""
    try:
        done = subprocess.run([toronc] + words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S,
                              env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
    except subprocess.TimeoutExpired:
        return ("timeout", "", "")
    return (done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def read(path):
    return path.read_text(encoding="utf-8") if path.exists() else None


class Case:
    def __init__(self, folder, toronc, update):
        self.folder, self.toronc, self.update = folder, toronc, update
        self.inputs = sorted(p.name for p in folder.glob("input.*"))
        self.args = (read(folder / "args") or "").split()
        self.failures = []
        self.in_formats = 0  # other formats in which it was tried

    def compare(self, name, actual, where):
        path = self.folder / name
        expected = read(path) or ""
        if actual == expected:
            return
        if self.update:
            path.write_text(actual, encoding="utf-8")
            return
        diff = difflib.unified_diff(expected.splitlines(), actual.splitlines(), name, where, lineterm="")
        self.failures.append("\n".join(diff))

    def check_status(self, status, text, where):
        wanted = 1 if re.search(r"^(\S.*: )?error: ", text, re.M) else 0
        if status != wanted:
            self.failures.append(f"{where}: exit status {status}, and {wanted} was expected:\n{text}")

    def diagnostics_file(self, name):
        return "diagnostics.txt" if len(self.inputs) == 1 else "diagnostics" + pathlib.Path(name).suffix + ".txt"

    def run(self):
        command = read(self.folder / "command")
        if command is not None:
            words = command.split()
            status, _, errors = run(self.toronc, words, self.folder)
            self.check_status(status, errors, command.strip())
            self.compare("diagnostics.txt", errors, "toronc")
            return
        if not self.inputs:
            self.failures.append("no input")
        for name in self.inputs:
            self.run_input(name)
        self.run_formats()

    def said(self, folder, name):
        """What `check` says of an input, without places; and of each place that is a word, the word."""
        _, output, errors = run(self.toronc, ["check", "--format", "json"] + self.args + [name], folder)
        try:
            diagnostics = json.loads(output)["diagnostics"]
        except ValueError:
            return [("no report: " + output + errors, "")]
        text = (folder / name).read_bytes()
        said = []
        for d in diagnostics:
            at = text[d["offset"]:d["offset"] + d["length"]].decode("utf-8", "replace") if d.get("file") == name else ""
            word = at.strip("\"'") if re.fullmatch(r"[\"']?[\w./-]+[\"']?", at) else "..."
            said.append((f"{d['severity']}: {d['message']} [{d['code']}] at {d.get('where')}", "..." if word == "null" else word))
        return sorted(said)

    def run_formats(self):
        if self.inputs != ["input.yaml"] or (self.folder / "yaml-only").exists():
            return
        wanted = self.said(self.folder, "input.yaml")
        for to in ("json", "toml"):
            status, text, _ = run(self.toronc, ["convert", "--to", to, "input.yaml"], self.folder)
            if status != 0:
                continue
            with tempfile.TemporaryDirectory(prefix="toron-golden-") as temp:
                folder = pathlib.Path(temp) / self.folder.name
                shutil.copytree(self.folder, folder, symlinks=True)
                (folder / ("input." + to)).write_text(text, encoding="utf-8")
                said = self.said(folder, "input." + to)
            self.in_formats += 1
            same = len(said) == len(wanted) and all(a[0] == b[0] and (a[1] == b[1] or "..." in (a[1], b[1])) for a, b in zip(said, wanted))
            if not same:
                texts = [[f"{text}: {word}" for text, word in which] for which in (wanted, said)]
                diff = difflib.unified_diff(*texts, "said of input.yaml", "said of it as " + to, lineterm="", n=0)
                self.failures.append("\n".join(diff))

    def run_input(self, name):
        status, _, errors = run(self.toronc, ["check"] + self.args + [name], self.folder)
        self.check_status(status, errors, "check " + name)
        self.compare(self.diagnostics_file(name), errors, "toronc check " + name)
        for shared, words in SHARED.items():
            if not (self.folder / shared).exists():
                continue
            status, output, errors = run(self.toronc, words + self.args + [name], self.folder)
            if status != 0:
                self.failures.append(f"{' '.join(words)} {name}: exit status {status}\n{errors}")
            else:
                output = re.sub(r'(\.toron_version = )"[^"]*"', r'\1"VERSION"', output)
                self.compare(shared, output, f"toronc {' '.join(words)} {name}")


def missing_codes(diag_def):
    """Codes that no case shows and that codes-elsewhere.txt does not excuse; and excuses for codes that do not exist or are shown."""
    codes = set(re.findall(r'"(T\d{4})"', pathlib.Path(diag_def).read_text(encoding="utf-8")))
    shown = set()
    for path in HERE.glob("*/diagnostics*.txt"):
        shown |= set(re.findall(r"\[(T\d{4})\]$", path.read_text(encoding="utf-8"), re.M))
    excused = set(re.findall(r"^(T\d{4})\b", read(HERE / "codes-elsewhere.txt") or "", re.M))
    problems = [f"{code}: no golden case shows it" for code in sorted(codes - shown - excused)]
    problems += [f"{code}: codes-elsewhere.txt lists a code that does not exist" for code in sorted(excused - codes)]
    problems += [f"{code}: codes-elsewhere.txt lists a code that a case shows" for code in sorted(excused & shown)]
    return problems


def main(argv):
    update = "--update" in argv
    argv = [a for a in argv if a != "--update"]
    diag_def = None
    if "--codes" in argv:
        at = argv.index("--codes")
        diag_def = argv[at + 1]
        del argv[at:at + 2]
    if not argv:
        sys.exit(__doc__)
    toronc = str(pathlib.Path(argv[0]).resolve())
    names = argv[1:] or sorted(p.name for p in HERE.iterdir() if p.is_dir() and not p.name.startswith("__"))
    passed = failed = in_formats = 0
    for name in names:
        case = Case(HERE / name, toronc, update)
        case.run()
        in_formats += case.in_formats
        if case.failures:
            failed += 1
            print(f"FAIL {name}")
            print("\n".join(case.failures))
        else:
            passed += 1
    if diag_def is not None:
        problems = missing_codes(diag_def)
        print("\n".join(problems), end="\n" if problems else "")
        passed, failed = (passed, failed + 1) if problems else (passed + 1, failed)
    print(f"note: {in_formats} inputs in YAML were also tried as JSON or TOML")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
