"""Third-party servers, which our client reads."""

import json
import sys
import urllib.request

from clients import check_same
from process import Process, Relay, check, nginx
from row import FOLDER, PROGRAMS, PYTHON, Row
from server_models import TEXTS

# The third leaves the last event id as it is, the fourth resets it. Each is sent alone, after its pause in milliseconds.
FIRST = [
    {"id": "1", "data": "one"},
    {"id": "2", "event": "tick", "data": "two\n\n  lines"},
    {"data": "drei, ü …, 日本, 🎈"},
    {"id": "", "data": "four"},
]
EVENTS = [event | {"pause": 200} for event in FIRST]
EVENTS += [{"id": str(number), "data": f"event {number}", "pause": 5} for number in range(5, 301)]
# The server is read up to here before the connection is cut.
CUT_AT = 100


def seen():
    last, expected = "", []
    for event in EVENTS:
        last = event.get("id", last)
        expected.append((event.get("event", "message"), event["data"], last))
    return expected


def follow(path, *command, decode=str):
    """Checks that our client receives all events of a server, despite a cut. The server may encode the data."""
    with Process(*command, FOLDER / "events.json", cwd=FOLDER) as server, Relay(server.line(0)) as relay:
        with Process(PROGRAMS / "peer_source_tokio", f"http://127.0.0.1:{relay.port}{path}") as client:
            client.line(CUT_AT)
            relay.cut()
            client.end()
        lines = [json.loads(line) for line in client.lines]
    events = [(name, decode(data), event_id) for name, data, event_id in (line for line in lines if isinstance(line, list))]
    check_same(events, seen())
    # The end of the connection: the cut, and the end of the stream, after which the server answers with status 204.
    ids = relay.last_event_ids()
    check(len(ids) == 3 and ids[0] is None and int(ids[1]) >= CUT_AT and ids[2] == EVENTS[-1]["id"], f"resumed from {ids}")
    check("204" in lines[-1]["closed"], f"ends with {lines[-1]}")


def model(service, end, text_of):
    """Checks that our client reads a whole answer, and tells a cut and an error from its end."""
    endings = {"whole": "the end marker was received", "cut": "lost", "error": "Overloaded"}
    for what, ending in endings.items():
        with Process(sys.executable, "server_models.py", cwd=FOLDER) as server:
            url = f"http://127.0.0.1:{server.line(0)}/{service}/{what}"
            with Process(PROGRAMS / "peer_source_tokio", url, '{"stream": true}', end) as client:
                client.end()
            lines = [json.loads(line) for line in client.lines]
        events = [(name, json.loads(data)) for name, data, _ in (line for line in lines if isinstance(line, list))]
        texts = [text for text in map(text_of, events) if text is not None]
        count = len(TEXTS) if what == "whole" else len(texts)
        check_same(texts, TEXTS[:count])
        check(90 < count, f"{count} texts")
        check(what == "whole" or count < 101, f"{count} texts")
        closed = lines[-1]["closed"]
        expected = ending in closed if what != "cut" else "end marker was received" not in closed
        check(expected, f"{what}: {closed}")


def openai_text(event):
    return event[1]["choices"][0]["delta"]["content"]


def anthropic_text(event):
    return event[1]["delta"]["text"] if event[0] == "content_block_delta" else None


def nchan():
    """Checks that our client receives what is published to a channel of nchan, despite a cut."""
    location = """
        location = /publish { nchan_publisher; nchan_channel_id news; nchan_message_buffer_length 1000; }
        location = /events { nchan_subscriber eventsource; nchan_channel_id news; nchan_subscriber_first_message oldest; }
    """
    with nginx(location, "load_module modules/ngx_nchan_module.so;") as port, Relay(port) as relay:
        texts = [event["data"] for event in FIRST[:3]] + [f"event {number}" for number in range(300)]

        def publish(part):
            for text in part:
                request = urllib.request.Request(f"http://127.0.0.1:{port}/publish", text.encode())
                urllib.request.urlopen(request).close()

        publish(texts[:1])
        with Process(PROGRAMS / "peer_source_tokio", f"http://127.0.0.1:{relay.port}/events") as client:
            client.line(0)
            publish(texts[1:CUT_AT])
            client.line(CUT_AT - 1)
            relay.cut()
            publish(texts[CUT_AT:])
            # One line more, about the lost connection.
            client.line(len(texts))
            lines = [json.loads(line) for line in client.lines]
    events = [line[1] for line in lines if isinstance(line, list)]
    check_same(events, texts)
    check(relay.last_event_ids()[1] is not None, f"resumed from {relay.last_event_ids()}")


def rows():
    (FOLDER / "events.json").write_text(json.dumps(EVENTS))
    resumes = "our EventSource: resumes after a cut, stops at 204"
    express = ["node", "server_express.mjs"]
    starlette = [PYTHON, "server_starlette.py"]
    return [
        Row("express", resumes, lambda: follow("/", *express)),
        Row("express", resumes + "; compression", lambda: follow("/compressed", *express)),
        Row("express", resumes + "; no-transform", lambda: follow("/no-transform", *express)),
        Row("better-sse", resumes, lambda: follow("/", "node", "server_better_sse.mjs", decode=json.loads)),
        Row("sse-starlette", resumes, lambda: follow("/", *starlette)),
        Row("fastapi", resumes, lambda: follow("/fastapi", *starlette)),
        Row("http.server", resumes + "; HTTP/1.0", lambda: follow("/", sys.executable, "server_http.py")),
        Row("axum Sse", resumes, lambda: follow("/", PROGRAMS / "peer_axum_tokio")),
        Row("nchan", "our EventSource: resumes after a cut", nchan),
        Row("OpenAI's format", "our EventSource, POST: [DONE]; a cut, an error", lambda: model("openai", "data=[DONE]", openai_text)),
        Row("Anthropic's format", "our EventSource, POST: message_stop; a cut, an error", lambda: model("anthropic", "name=message_stop", anthropic_text)),
    ]
