# SPDX-License-Identifier: Apache-2.0
"""What the tools/check-* scripts share: which files are the tree, C text without comments, and how
findings are reported.

A check is a script that takes the root of a tree (default: the one it stands in), prints one line
`path:line: what is wrong and what to do instead` for each finding, and exits 0 (clean), 1 (findings)
or 77 (could not look: a tool is missing; the reason is on the last line).
"""

import os
import re
import subprocess
import sys

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_CANNOT = 77

SKIPPED_DIRECTORIES = {".git", "autom4te.cache", "build-aux", "data", "__pycache__", ".venv"}
# Bytes of others, kept as they are.
FOREIGN = re.compile(r"^(tests/fuzz/corpus/|.*/golden/)")


def root_of(argv):
    """The tree to look at: the first argument, else the one this file stands in."""
    if len(argv) > 1:
        return os.path.abspath(argv[1])
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def files(root):
    """Relative paths of all regular files of the tree, tracked or new, but not what .gitignore
    names; without git, all that is not a build directory."""
    if os.path.exists(os.path.join(root, ".git")):
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
            check=True, stdout=subprocess.PIPE).stdout
        names = sorted(set(listing.decode().split("\0")) - {""})
    else:
        names = []
        for directory, subdirectories, leaves in os.walk(root):
            subdirectories[:] = sorted(
                name for name in subdirectories
                if name not in SKIPPED_DIRECTORIES and not name.startswith("build"))
            names += [os.path.relpath(os.path.join(directory, leaf), root) for leaf in sorted(leaves)]
    return [name for name in names
            if os.path.isfile(os.path.join(root, name))
            and not os.path.islink(os.path.join(root, name))]


def sources(root, endings=(".c", ".h")):
    return [name for name in files(root) if name.endswith(endings) and not FOREIGN.match(name)]


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


COMMENT_OR_STRING = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def without_comments(text, keep_strings=False):
    """C text with comments (and the content of strings) blanked; line numbers stay."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token if keep_strings else token[0] + " " * (len(token) - 2) + token[-1]
    return COMMENT_OR_STRING.sub(blank, text)


class Findings:
    def __init__(self):
        self.lines = []

    def add(self, name, line, text):
        self.lines.append(f"{name}:{line}: {text}")

    def finish(self):
        for line in self.lines:
            print(line.encode("utf-8", "backslashreplace").decode())
        return EXIT_FINDINGS if self.lines else EXIT_CLEAN


def cannot(reason):
    print(reason)
    sys.exit(EXIT_CANNOT)
