"""Third-party clients, which read our hub."""

import json
import re
import subprocess
import time
from contextlib import contextmanager

from process import Process, Relay, check, nginx
from row import FOLDER, PROGRAMS, PYTHON, Row

# The stream is quiet before each of the first events: keep-alives come in between.
KEEP_ALIVE_MS = 100
QUIET = 0.4
FIRST = [
    {"data": "one", "retry": 100},
    {"data": " zwei, ü …, 日本, 🎈, \u2028 and \ufeff"},
    {"data": "three\n\n  lines, and more\n", "event": "tick"},
]
MANY = [{"data": f"burst {number}"} for number in range(200)]
# Published right after the cut, while a client is away.
MISSED = [{"data": f"missed {number}"} for number in range(50)]
EVENTS = [*FIRST, *MANY, *MISSED]
SEEN = [(event.get("event", "message"), event["data"]) for event in EVENTS]


@contextmanager
def our_hub():
    with Process(PROGRAMS / "peer_hub_tokio", KEEP_ALIVE_MS, stdin=subprocess.PIPE) as hub:
        yield hub, int(hub.line(0))


def publish_one_by_one(hub, client, events):
    """Publishes each event after a pause, once the client has printed the event before."""
    for number, event in enumerate(events):
        time.sleep(QUIET)
        hub.write(json.dumps(event))
        client.line(number)


def publish(hub, events):
    for event in events:
        hub.write(json.dumps(event))


def check_ids(ids):
    """Checks that one hub gave these ids, in order."""
    numbers = [re.fullmatch(r"(\w+)-(\d+)", event_id) for event_id in ids]
    check(all(numbers), f"ids {ids[:5]}")
    check(len({match[1] for match in numbers}) == 1, f"ids {ids[:5]}")
    check([int(match[2]) for match in numbers] == list(range(1, len(ids) + 1)), f"ids {ids[:5]}")


def check_same(seen, expected):
    differing = [pair for pair in zip(seen, expected) if pair[0] != pair[1]]
    check(not differing, f"saw {differing[:1]}")
    check(len(seen) == len(expected), f"saw {len(seen)} of {len(expected)}; the last are {seen[-3:]}")


def follows(*command, front=None):
    """Checks that a client receives all events, also those published while its connection was cut."""
    with our_hub() as (hub, port), (front or no_proxy)(port) as port, Relay(port) as relay:
        with Process(*command, f"http://127.0.0.1:{relay.port}/", cwd=FOLDER) as client:
            hub.line(1)
            publish_one_by_one(hub, client, FIRST)
            publish(hub, MANY)
            before = len(FIRST + MANY)
            client.line(before - 1)
            relay.cut()
            publish(hub, MISSED)
            client.line(len(EVENTS) - 1)
            hub.process.stdin.close()
            client.end()
            events = [json.loads(line) for line in client.lines]
        check_same([(name, data) for name, data, _ in events], SEEN)
        check_ids([event_id for _, _, event_id in events])
        check(relay.last_event_ids()[1] == events[before - 1][2], f"resumed from {relay.last_event_ids()}")


@contextmanager
def no_proxy(port):
    yield port


def curl():
    with our_hub() as (hub, port), Relay(port) as relay:
        with Process("bash", "client_curl.sh", f"http://127.0.0.1:{relay.port}/", cwd=FOLDER) as client:
            hub.line(1)
            for event in FIRST:
                time.sleep(QUIET)
                publish(hub, [event])
            publish(hub, MANY)
            wait_for(client, f"data: {MANY[-1]['data']}")
            relay.cut()
            publish(hub, MISSED)
            wait_for(client, f"data: {MISSED[-1]['data']}")
            hub.process.stdin.close()
            client.end()
        text = "".join(f"{line}\n" for line in client.lines)
    # Nothing after the last blank line is an event.
    blocks = [[line for line in block.split("\n") if not line.startswith(":")] for block in text.split("\n\n")[:-1]]
    # The script marks the cut, which drops the incomplete event before it.
    blocks = [block for block in blocks if block[-1:] != ["cut"]]
    # A blank line after anything else makes clients that are not exact dispatch an empty event.
    check(all(blocks), "a blank line without an event before it")
    fields = [[line.partition(": ")[::2] for line in block] for block in blocks]
    names = [dict(block).get("event", "message") for block in fields]
    data = ["\n".join(value for name, value in block if name == "data") for block in fields]
    check_same(list(zip(names, data)), SEEN)
    check_ids([dict(block)["id"] for block in fields])
    comments = client.lines.count(":")
    check(comments >= len(FIRST) * (QUIET * 1000 // KEEP_ALIVE_MS - 2), f"{comments} keep-alives")


def wait_for(client, line):
    """Waits for a line with this text."""
    number = 0
    while client.line(number) != line:
        number += 1


def chunk(text):
    """A piece of an answer, as services for language models send it, on many lines."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    whole = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return {"data": json.dumps(whole, indent=1, ensure_ascii=False)}


def openai(*command, when_cut):
    """Checks that a client of language models receives the whole answer, and what it prints when the answer is cut."""
    texts = [event["data"] for event in FIRST + MANY]
    for is_cut in (False, True):
        with our_hub() as (hub, port), Relay(port) as relay:
            with Process(*command, f"http://127.0.0.1:{relay.port}/", cwd=FOLDER) as client:
                hub.line(1)
                publish_one_by_one(hub, client, map(chunk, texts[: len(FIRST)]))
                publish(hub, map(chunk, texts[len(FIRST) :]))
                client.line(len(texts) - 1)
                if is_cut:
                    relay.cut()
                else:
                    publish(hub, [{"data": "[DONE]"}])
                    hub.process.stdin.close()
                client.end()
                seen = [json.loads(line) for line in client.lines[: len(texts)]]
                check_same(seen, texts)
                check(client.lines[len(texts) :] == (when_cut if is_cut else []), f"ends with {client.lines[len(texts) :]}")


def mcp(*command):
    """Checks that an official client of MCP uses all of our server, and resumes the answer of a tool after a cut."""
    with Process(PROGRAMS / "mcp_server", 0) as server:
        port = server.line(0).split(":")[2].split("/")[0]
        with Relay(port) as relay, Process(*command, f"http://127.0.0.1:{relay.port}/mcp", cwd=FOLDER) as client:
            while not (client.lines and json.loads(client.lines[-1]) == ["progress", [10, 40]]):
                client.line(len(client.lines))
            relay.cut()
            client.end()
            seen = [json.loads(line) for line in client.lines]
    progress = [value for what, value in seen if what == "progress"]
    check(progress == [[number, 40] for number in range(1, 41)], f"progress {progress}")
    rest = {what: value for what, value in seen if what != "progress"}
    check(rest.pop("version") == "2025-11-25", "the version is older")
    expected = {"tools": ["add", "count"], "add": "3", "count": "counted to 40", "log": "a count to 40 is over"}
    check(rest == expected | {"failed": [True, "a and b must be numbers"]}, f"saw {rest}")
    check(any(relay.last_event_ids()), "did not resume")


@contextmanager
def behind_nginx(port):
    with nginx(f"location / {{ proxy_pass http://127.0.0.1:{port}; }}") as front:
        yield front


RESUMES = "our hub: reconnects, loses nothing"
BY_HAND = "our hub: no reconnection of its own, resumed by the script"
ROWS = [
    Row("Chromium", RESUMES + ", across origins", lambda: follows(PYTHON, "client_chromium.py")),
    Row("eventsource", RESUMES, lambda: follows("node", "client_eventsource.mjs", "eventsource")),
    Row("undici", RESUMES, lambda: follows("node", "client_eventsource.mjs", "undici")),
    Row("fetch-event-source", RESUMES, lambda: follows("node", "client_fetch_event_source.mjs")),
    Row("httpx-sse", BY_HAND, lambda: follows(PYTHON, "client_httpx_sse.py")),
    Row("sseclient-py", BY_HAND, lambda: follows(PYTHON, "client_sseclient.py")),
    Row("curl", BY_HAND, curl),
    Row("nginx", RESUMES + ", through this proxy", lambda: follows("node", "client_eventsource.mjs", "eventsource", front=behind_nginx)),
    Row("openai", "our hub: [DONE]; a cut is an error", lambda: openai(PYTHON, "client_openai.py", when_cut=["cut"])),
    Row("openai (npm)", "our hub: [DONE]; takes a cut for the end", lambda: openai("node", "client_openai.mjs", when_cut=[])),
    Row("mcp", "our MCP server: all calls; resumes a tool after a cut", lambda: mcp(PYTHON, "client_mcp.py")),
    Row("mcp (npm)", "our MCP server: all calls; resumes a tool after a cut", lambda: mcp("node", "client_mcp.mjs")),
]
