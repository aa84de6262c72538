#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
"""Checks that what README.md and docs/ show is cut from programs that are built and run.

    <!-- snippet: examples/snippets/collectives.cpp all_reduce -->    before a block: the lines between
                                                  `// begin: all_reduce` and `// end: all_reduce`, a blank
                                                  line between parts where these marks are there again
    <!-- output: timeout -->                      before a block: what `[timeout] ..` says in the output
                                                  of examples/snippets/errors.cpp
    <!-- table: algorithms -->                    before a table: the output of examples/snippets/table.cpp

that no C++ block but a bare include is without its source, and that every table of every document has
a |---| line.

snippets.py [--update] [--errors PROGRAM] [--table PROGRAM]    without a PROGRAM, its output is not looked at
"""
import argparse
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"<!-- (snippet|output): ([^>]*?) -->\n```(\w*)\n(.*?)```\n", re.DOTALL)
CXX = re.compile(r"(?:(?<=\n)|^)([^\n]*)\n```(?:cpp|c\+\+|cuda|cxx|c)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INCLUDE = re.compile(r"(#include [<\"].*[>\"]( *//.*)?)?")
TABLE = re.compile(r"(?<=<!-- table: algorithms -->\n)(\|.*\n)+")


def region(path, name):
    """The lines of one region, moved to the left edge, without the marks of others inside."""
    parts = re.findall(rf"^ *// begin: {name}\n(.*?)^ *// end: {name}\n", (ROOT / path).read_text(),
                       re.DOTALL | re.MULTILINE)
    if not parts:
        raise ValueError(f"{path} has no region {name}")
    return "\n".join(textwrap.dedent(re.sub(r"^ *// (begin|end): \w+\n", "", part, flags=re.MULTILINE))
                     for part in parts)


def messages(program):
    """By name, what the program printed. Which rank speaks first differs between runs."""
    out = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^\[(\w+)\] (.*)$", out, re.MULTILINE))


def comparable(message):
    """Without what differs between runs: numbers but for lines, spaces, where the speaking rank was."""
    return re.sub(r"(?<!\.cpp:)\b\d+(\.\d+)?", "#", re.sub(r"\s+", " ", message.split(" [")[0])).strip()


def sourceless(text):
    """The first line of each block of C++ that holds more than includes and has no marker above."""
    for above, shown in CXX.findall(text):
        code = [line for line in shown.splitlines() if not INCLUDE.fullmatch(line)]
        if code and not re.fullmatch(r"<!-- (snippet|output): [^>]*? -->", above):
            yield code[0]


def headless_tables():
    """Where a table begins, in any document, whose second line is not |---|..: it is shown as text."""
    for document in sorted(ROOT.rglob("*.md")):
        if document.relative_to(ROOT).parts[0].startswith(("build", "out", ".")):
            continue
        lines = ["", *re.sub(r"^```.*?^```", lambda block: "\n" * block.group(0).count("\n"),
                             document.read_text(), flags=re.DOTALL | re.MULTILINE).splitlines(), ""]
        for number in range(1, len(lines) - 1):
            begins = lines[number].startswith("|") and not lines[number - 1].startswith("|")
            if begins and not re.fullmatch(r"\|([ :]*-+[ :]*\|)+\s*", lines[number + 1]):
                yield f"{document.relative_to(ROOT)}:{number}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the regions into the documents")
    parser.add_argument("--errors", help="the program that was built from examples/snippets/errors.cpp")
    parser.add_argument("--table", help="the program that was built from examples/snippets/table.cpp")
    given = parser.parse_args()
    wrong, invented, checked = [], [], 0
    runs = []

    def is_said(name, shown):
        for number in range(20):
            if number == len(runs):
                runs.append(messages(given.errors))
            if comparable(runs[number].get(name, "")) == comparable(shown):
                return True
        return False

    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = document.read_text()

        def visit(match):
            nonlocal checked
            kind, what, language, shown = match.groups()
            if kind == "output" and not given.errors:
                return match.group(0)
            checked += 1
            if kind == "snippet":
                expected = region(*what.split())
                same = shown == expected
            else:
                same = is_said(what, shown)
                expected = shown if same else textwrap.fill(runs[0][what], 98, break_on_hyphens=False) + "\n"
            if not same:
                wrong.append(f"{document.relative_to(ROOT)}: {kind} {what}")
            return f"<!-- {kind}: {what} -->\n```{language}\n{expected}```\n"

        def visit_table(match):
            nonlocal checked
            checked += 1
            expected = subprocess.run([given.table], capture_output=True, text=True, check=True).stdout
            if match.group(0) != expected:
                wrong.append(f"{document.relative_to(ROOT)}: table of algorithms")
            return expected

        updated = BLOCK.sub(visit, text)
        if given.table:
            updated = TABLE.sub(visit_table, updated)
        if given.update and updated != text:
            document.write_text(updated)
        invented += [f"{document.relative_to(ROOT)}: {line}" for line in sourceless(text)]
    if given.update:
        print(f"{len(wrong)} of {checked} blocks updated")
        return
    for one in wrong:
        print(f"differs from its source: {one} (tests/docs/snippets.py --update writes it anew)")
    for one in invented:
        print(f"a block of C++ that is cut from no program (<!-- snippet: FILE REGION --> above it): {one}")
    headless = list(headless_tables())
    for one in headless:
        print(f"a table without a |---| line: {one}")
    print(f"{checked} blocks checked")
    sys.exit(1 if wrong or invented or headless or checked == 0 else 0)


if __name__ == "__main__":
    main()
