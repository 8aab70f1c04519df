"""Reads a stream with the EventSource of headless Chromium until status 204, and prints each event.

The page is of another origin than the stream, and reports each event to this program.
"""

import http.server
import json
import shutil
import subprocess
import sys
import tempfile
import threading

PAGE = """<!doctype html><title>peer</title><script>
let reports = Promise.resolve();
const report = body => { reports = reports.then(() => fetch("/", { method: "POST", body: JSON.stringify(body) })); };
const source = new EventSource(%s);
const print = event => report([event.type, event.data, event.lastEventId]);
source.addEventListener("message", print);
source.addEventListener("tick", print);
source.onerror = () => { if (source.readyState === EventSource.CLOSED) report("closed"); };
</script>"""
closed = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer((PAGE % json.dumps(sys.argv[1])).encode())

    def do_POST(self):
        report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if report == "closed":
            closed.set()
        else:
            print(json.dumps(report), flush=True)
        self.answer(b"")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
profile = tempfile.mkdtemp(prefix="chromium")
options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"]
page = f"http://127.0.0.1:{server.server_port}/"
log = subprocess.DEVNULL
# A pipe that nobody writes to: Chromium ends with this program, even if that is killed.
command = ["chromium", *options, f"--user-data-dir={profile}", "--remote-debugging-pipe", page]
browser = subprocess.Popen(["bash", "-c", 'exec "$@" 3<&0 4>/dev/null', "bash", *command],
                           stdin=subprocess.PIPE, stdout=log, stderr=log)
try:
    sys.exit(0 if closed.wait(40) else "the page has not reported the end")
finally:
    browser.kill()
    browser.wait()
    shutil.rmtree(profile, ignore_errors=True)
