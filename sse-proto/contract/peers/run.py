"""Runs third-party clients against our server, and our client against third-party servers.

Prints one table, and fails if any row fails.

usage: run.py PROGRAMS FOLDER [MARKDOWN]: the directory of our examples, the directory of the installed packages and these
scripts, and a file into which to write the table as well.
"""

import os
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import clients
import servers
import versions
from process import Failure


def result(row):
    try:
        row.run()
        return "ok"
    except Failure as failure:
        return f"FAILED: {failure}"
    except Exception as error:
        # A fault of these scripts, or an output that they do not expect.
        traceback.print_exception(error)
        return f"FAILED: {error!r}"


HEAD = """# Peers

Clients and servers of others that `.ci/peers` runs against these crates, in CI with every change: many events, text outside ASCII, data of
several lines, keep-alives between events, and a connection that is cut in the middle. `.ci/peers --markdown` writes this table.

"""


def write(path, table):
    lines = ["| " + " | ".join(line) + " |" for line in table]
    lines.insert(1, "|---|---|---|---|")
    path.write_text(HEAD + "\n".join(lines) + "\n")


def main():
    # The events hold text outside ASCII.
    os.environ["PYTHONUTF8"] = "1"
    rows = [*clients.ROWS, *servers.rows()]
    found = versions.find()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(result, rows))
    table = [("peer", "version", "what", "result")]
    table += [(row.peer, found[row.peer], row.what, outcome) for row, outcome in zip(rows, results)]
    widths = [max(len(line[column]) for line in table) for column in range(3)]
    for line in table:
        print(*(f"{text:{width}}" for text, width in zip(line, widths)), line[3], sep="  ")
    if sys.argv[3:]:
        write(Path(sys.argv[3]), table)
    return 0 if all(outcome == "ok" for outcome in results) else 1


sys.exit(main())
