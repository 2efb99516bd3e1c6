# SPDX-License-Identifier: Apache-2.0
"""Results of runs from many sittings, in one page: a row for each fault and length of run.

A row only grows: runs that failed or showed a violation stay counted.
"""

import datetime
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ["fault", "seconds each", "runs", "violations", "failed", "answered", "unknown",
           "commits", "last"]
COUNTED = COLUMNS[2:7]
COMMITS_SHOWN = 6


def commit_of_tree():
    def git(*arguments):
        done = subprocess.run(["git", "-C", HERE, *arguments], capture_output=True, text=True,
                              check=False)
        return done.stdout.strip() if done.returncode == 0 else ""
    commit = git("rev-parse", "--short=12", "HEAD") or "unknown"
    return commit + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


class RunTable:
    def __init__(self, path):
        self.path = path
        self.rows = {}
        self.commit = commit_of_tree()
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    self._read(line)

    def _read(self, line):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != len(COLUMNS) or not cells[0].startswith("`"):
            return
        row = dict(zip(COLUMNS, cells))
        row["fault"] = row["fault"].strip("`")
        for name in ["seconds each"] + COUNTED:
            row[name] = int(row[name].replace(",", ""))
        self.rows[row["fault"], row["seconds each"]] = row

    def add(self, fault, seconds, outcome, counts):
        """outcome: "ok", "failed" or "violation"."""
        row = self.rows.setdefault((fault, round(seconds)), {
            "fault": fault, "seconds each": round(seconds), "commits": "",
            **{name: 0 for name in COUNTED}})
        row["runs"] += 1
        row["violations"] += outcome == "violation"
        row["failed"] += outcome == "failed"
        row["answered"] += counts.get("ok", 0)
        row["unknown"] += counts.get("unknown", 0)
        commits = [one for one in row["commits"].split() if one != self.commit] + [self.commit]
        row["commits"] = " ".join(commits[-COMMITS_SHOWN:])
        row["last"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
        self._write()

    def runs(self, fault, seconds):
        """Of at least that length, without those that failed."""
        return sum(row["runs"] - row["failed"] for (name, length), row in self.rows.items()
                   if name == fault and length >= round(seconds))

    def missing(self, names, seconds, of_each, limit):
        """The faults of the next `limit` runs, those with the fewest first, until each has had
        of_each."""
        have = {name: self.runs(name, seconds) for name in names}
        chosen = []
        while len(chosen) < limit:
            name = min(have, key=lambda one: have[one])
            if have[name] >= of_each:
                break
            have[name] += 1
            chosen.append(name)
        return chosen

    def _write(self):
        rows = [self.rows[key] for key in sorted(self.rows)]
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write("# Runs of the linearizability test\n\n"
                       "All runs that were ever added, by `tests/cluster/linearizability_test.sh --table`; "
                       "`tests/cluster/README.md` says how. A commit with a `+` had changes. "
                       "A run that failed is no violation: its load or its fault was not what it had to be, "
                       "or a node was not sound.\n\n")
            file.write("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS) + "\n")
            for row in rows:
                cells = [f"`{row['fault']}`"] + [str(row[name]) for name in COLUMNS[1:]]
                file.write("| " + " | ".join(cells) + " |\n")
        os.replace(self.path + ".new", self.path)
