"""Serves the events with Python's own server: HTTP/1.0, and the end of the connection ends the stream."""

import http.server
import json
import sys
import time

EVENTS = json.load(open(sys.argv[1], encoding="utf-8"))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        last = self.headers.get("Last-Event-ID")
        ids = [event.get("id") for event in EVENTS]
        events = EVENTS[ids.index(last) + 1 if last else 0 :]
        if not events:
            self.send_response(204)
            return self.end_headers()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        try:
            for event in events:
                time.sleep(event["pause"] / 1000)
                lines = [f"{name}: {event[name]}" for name in ("id", "event") if name in event]
                lines += [f"data: {line}" for line in event["data"].split("\n")]
                self.wfile.write(("\n".join(lines) + "\n\n").encode())
        except OSError:
            # The client is gone.
            pass

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
