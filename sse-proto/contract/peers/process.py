"""Programs whose output is read line by line, and a relay whose connections can be cut."""

import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

# Most exchanges take three seconds.
TIME_LIMIT = 30


class Failure(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failure(what)


class Process:
    """A program. It is killed at the end of its `with` block."""

    def __init__(self, *command, **options):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=self.errors, text=True, **options
        )
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def line(self, index):
        """Waits for this line."""
        with self.changed:
            there = self.changed.wait_for(lambda: len(self.lines) > index, TIME_LIMIT)
        check(there, f"line {index} did not come: {self.lines[-3:]} {self.stderr()}")
        return self.lines[index]

    def write(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self):
        """Waits for the end, which must be a success, and for the last line."""
        try:
            code = self.process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            raise Failure(f"does not end: {self.lines[-3:]} {self.stderr()}") from None
        self.reader.join(TIME_LIMIT)
        check(code == 0, f"fails with {code}: {self.lines[-3:]} {self.stderr()}")

    def stderr(self):
        self.errors.seek(0)
        # The last lines of a traceback say what happened.
        return " ".join(self.errors.read().split("\n")[-3:]).strip()


@contextmanager
def nginx(locations, modules=""):
    """Runs nginx with these locations and its other settings as they are by default. Yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        paths = "".join(f"{kind}_temp_path {folder};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        server = f"server {{ listen 127.0.0.1:{port}; {locations} }}"
        Path(folder, "nginx.conf").write_text(
            f"{modules} daemon off; pid {folder}/pid; error_log stderr; events {{}}"
            f" http {{ access_log off; {paths} {server} }}"
        )
        with Process("nginx", "-p", "/usr/share/nginx", "-c", f"{folder}/nginx.conf", "-e", "stderr") as process:
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.05)
            else:
                raise Failure(f"nginx does not start: {process.stderr()}")
            yield port
            # It ends its workers only if it is asked to.
            process.process.terminate()
            process.process.wait()


class Relay:
    """Forwards connections to a port, until they are cut."""

    def __init__(self, port):
        self.target = int(port)
        self.sockets = []
        # The first bytes of each connection: the head of the request.
        self.heads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.cut()

    def accept(self):
        try:
            while True:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.target))
                self.sockets += [near, far]
                threading.Thread(target=self.forward, args=[near, far, True], daemon=True).start()
                threading.Thread(target=self.forward, args=[far, near, False], daemon=True).start()
        except OSError:
            pass

    def forward(self, source, sink, is_request):
        try:
            while part := source.recv(1 << 16):
                if is_request:
                    self.heads.append(part.decode("latin-1"))
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        """Cuts all connections, wherever their streams are."""
        sockets, self.sockets = self.sockets, []
        for end in sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def last_event_ids(self):
        """Returns the last event id of each request, or None."""
        found = []
        for head in self.heads:
            if " HTTP/1." not in head.split("\r\n")[0]:
                continue
            fields = dict(line.partition(": ")[::2] for line in head.split("\r\n\r\n")[0].split("\r\n")[1:])
            fields = {name.lower(): value for name, value in fields.items()}
            found.append(fields.get("last-event-id"))
        return found
