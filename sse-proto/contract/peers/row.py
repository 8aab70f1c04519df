"""A row of the table, and where its programs are."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Our examples; the installed packages and these scripts.
PROGRAMS, FOLDER = (Path(path).resolve() for path in sys.argv[1:3])
PYTHON = FOLDER / "venv" / "bin" / "python"


@dataclass
class Row:
    peer: str
    what: str
    run: Callable[[], None]
