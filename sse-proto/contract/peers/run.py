"""Runs third-party clients against our server, and our client against third-party servers.

Prints one table, and fails if any case fails.

usage: run.py PROGRAMS FOLDER: the directory of our examples, and the directory of the installed packages and these scripts.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROGRAMS, FOLDER = (Path(path).resolve() for path in sys.argv[1:3])
PYTHON = FOLDER / "venv" / "bin" / "python"
# One exchange takes about three seconds.
TIME_LIMIT = 30

# A quiet stream: keep-alives come between the events, several times.
KEEP_ALIVE_MS = 200
QUIET = 1.2
TEXTS = ["one", "two"]

# The events of third-party servers. The third leaves the last event id as it is, the fourth resets it.
EVENTS = [
    {"id": "1", "data": "one"},
    {"id": "2", "event": "tick", "data": "two\nlines"},
    {"data": "drei, ü …"},
    {"id": "", "data": "four"},
]
SEEN = [("message", "one", "1"), ("tick", "two\nlines", "2"), ("message", "drei, ü …", "2"), ("message", "four", "")]


class Failure(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failure(what)


def chunk(text):
    """A piece of an answer, as services for language models send it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


DATA = [*map(chunk, TEXTS), "[DONE]"]


class Process:
    """A program whose output lines are noted with the time at which they come."""

    def __init__(self, *command, **options):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=self.errors, text=True, **options
        )
        self.lines, self.times = [], []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.times.append(time.monotonic())
                self.changed.notify_all()

    def line(self, index):
        """Waits for this line."""
        with self.changed:
            there = self.changed.wait_for(lambda: len(self.lines) > index, TIME_LIMIT)
        check(there, f"line {index} did not come: {self.lines} {self.stderr()}")
        return self.lines[index]

    def end(self):
        """Waits for the end, which must be a success, and for the last line."""
        try:
            code = self.process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            raise Failure(f"does not end; {self.lines} {self.stderr()}") from None
        self.reader.join(TIME_LIMIT)
        check(code == 0, f"fails with {code}; {self.lines} {self.stderr()}")

    def stderr(self):
        self.errors.seek(0)
        # The last line of a traceback says what happened.
        return " ".join(self.errors.read().split("\n")[-3:]).strip()

    def kill(self):
        self.process.kill()
        self.process.wait()


def quiet_stream(path, *command):
    """Runs our server and one third-party client. Returns the client once both have ended."""
    server = Process(PROGRAMS / "quiet_hub", 0, KEEP_ALIVE_MS, stdin=subprocess.PIPE)
    client = None
    try:
        url = server.line(0).split()[-1] + path
        client = Process(*command, url, cwd=FOLDER)
        server.line(1)
        for data in DATA:
            time.sleep(QUIET)
            server.process.stdin.write(data + "\n")
            server.process.stdin.flush()
        time.sleep(QUIET)
        server.process.stdin.close()
        client.end()
        server.end()
        return client
    finally:
        for process in filter(None, (server, client)):
            process.kill()


def check_pauses(times, least):
    pauses = [after - before for before, after in zip(times, times[1:])]
    check(pauses and min(pauses) > least, f"events come together, {pauses}")


def check_ids(ids):
    """Checks that one hub gave these ids, in order."""
    numbers = [re.fullmatch(r"(\w+)-(\d+)", event_id) for event_id in ids]
    check(all(numbers), f"ids {ids}")
    check(len({match[1] for match in numbers}) == 1 and [int(match[2]) for match in numbers] == [1, 2, 3], f"ids {ids}")


def openai(*command):
    client = quiet_stream("v1", *command)
    texts = [json.loads(line)[1] for line in client.lines]
    check(texts == TEXTS, f"saw {texts}")
    check_pauses(client.times, QUIET / 2)


def events_of(*command):
    client = quiet_stream("", *command)
    events = [json.loads(line) for line in client.lines]
    check([data for _, data in events] == DATA, f"saw {events}")
    check_ids([event_id for event_id, _ in events])
    check_pauses(client.times, QUIET / 2)


def curl():
    client = quiet_stream("", "curl", "-sSN")
    # Nothing after the last blank line is an event.
    blocks = "".join(f"{line}\n" for line in client.lines).split("\n\n")[:-1]
    fields = [[line for line in block.split("\n") if not line.startswith(":")] for block in blocks]
    data = [line.removeprefix("data: ") for block in fields for line in block if line.startswith("data")]
    check(data == DATA, f"saw {data}")
    check_ids([line.removeprefix("id: ") for block in fields for line in block if line.startswith("id")])
    # A blank line after anything else makes clients that are not exact dispatch an empty event.
    check(all(block for block in fields), "a blank line without an event before it")
    comments = client.lines.count(":")
    check(comments >= 3 * (QUIET * 1000 // KEEP_ALIVE_MS - 2), f"{comments} keep-alives")
    check_pauses([at for at, line in zip(client.times, client.lines) if line.startswith("data")], QUIET / 2)


def their_server(path, *command, decode=str):
    """Runs one third-party server and reads it with our client. The server may encode the data."""
    server = Process(*command, FOLDER / "events.json", cwd=FOLDER)
    try:
        client = Process(PROGRAMS / "ssecat", "--json", f"http://127.0.0.1:{server.line(0)}{path}")
        try:
            client.end()
        finally:
            client.kill()
        events = [tuple(json.loads(line)[key] for key in ("event", "data", "id")) for line in client.lines]
        events = [(name, decode(data), event_id) for name, data, event_id in events]
        check(events == SEEN, f"saw {events}")
        check_pauses(client.times, 0.1)
    finally:
        server.kill()


def versions():
    """Returns the version of each peer."""
    names = ["openai", "httpx-sse", "sseclient-py", "sse-starlette"]
    script = f"import importlib.metadata as m; print(*map(m.version, {names}))"
    found = dict(zip(names, subprocess.check_output([PYTHON, "-c", script], text=True).split()))
    packages = {name: name for name in ["eventsource", "undici", "express", "better-sse"]}
    packages |= {"openai (npm)": "openai", "fetch-event-source": "@microsoft/fetch-event-source"}
    for name, package in packages.items():
        manifest = FOLDER / "node_modules" / package / "package.json"
        found[name] = json.loads(manifest.read_text())["version"]
    found["curl"] = subprocess.check_output(["curl", "--version"], text=True).split()[1]
    found["http.server"] = platform.python_version()
    return found


HUB = "our hub, keep-alives"
CASES = [
    ("openai", HUB, lambda: openai(PYTHON, "client_openai.py")),
    ("openai (npm)", HUB, lambda: openai("node", "client_openai.mjs")),
    ("httpx-sse", HUB, lambda: events_of(PYTHON, "client_httpx_sse.py")),
    ("sseclient-py", HUB, lambda: events_of(PYTHON, "client_sseclient.py")),
    ("fetch-event-source", HUB, lambda: events_of("node", "client_fetch_event_source.mjs")),
    ("eventsource", HUB, lambda: events_of("node", "client_eventsource.mjs")),
    ("undici", HUB, lambda: events_of("node", "client_undici.mjs")),
    ("curl", HUB, curl),
    ("express", "our ssecat", lambda: their_server("/plain", "node", "server_express.mjs")),
    ("express", "our ssecat, compression", lambda: their_server("/compressed", "node", "server_express.mjs")),
    ("express", "our ssecat, no-transform", lambda: their_server("/no-transform", "node", "server_express.mjs")),
    ("better-sse", "our ssecat", lambda: their_server("/", "node", "server_better_sse.mjs", decode=json.loads)),
    ("sse-starlette", "our ssecat", lambda: their_server("/", PYTHON, "server_starlette.py")),
    ("http.server", "our ssecat, HTTP/1.0", lambda: their_server("/", sys.executable, "server_http.py")),
]


def result(case):
    try:
        case[2]()
        return "ok"
    except Failure as failure:
        return f"FAILED: {failure}"


def main():
    # The events hold text outside ASCII.
    os.environ["PYTHONUTF8"] = "1"
    (FOLDER / "events.json").write_text(json.dumps(EVENTS))
    found = versions()
    # Few at a time, so that a pause is a pause on a small machine too.
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(result, CASES))
    print(f"{'peer':19} {'version':10} {'what':26} result")
    for (peer, what, _), outcome in zip(CASES, results):
        print(f"{peer:19} {found[peer]:10} {what:26} {outcome}")
    return 0 if all(outcome == "ok" for outcome in results) else 1


sys.exit(main())
