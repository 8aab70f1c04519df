#!/usr/bin/env python3
"""A stdlib-only (Python 3.11) re-implementation of the LaunchDarkly SSE contract tests.

Same REST protocol, same test names, same exchanges and the same pass/fail rules as
launchdarkly/sse-contract-tests v2.31.0 (facts taken from its documentation and behaviour; no code).
See README.md beside this file for the protocol.

  contract_harness.py --url http://localhost:8000 [--host localhost] [--port 8111]
                      [--run PATTERN]... [--skip PATTERN]... [--stop-service-at-end]
                      [--debug] [--json OUT.json] [--list]

Patterns are slash-separated regular expressions, one per level of the test path, each searched in
the name of that level (as in the original).  Exit status: 0 all passed or skipped, 1 otherwise.
"""
import argparse, http.client, json, queue, random, re, select, socket, sys, threading, time, traceback
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

AWAIT = 5.0            # seconds: messages from the service, and incoming stream connections
STATUS_TIMEOUT = 10.0  # seconds: first contact with the test service
UNSET = object()
BOM = '\ufeff'
ALL_CAPABILITIES = ['bom', 'comments', 'event-type-listeners', 'headers', 'last-event-id', 'post', 'read-timeout',
                    'report', 'restart', 'server-directed-shutdown-request']


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


# =============================================================== callback and stream server
class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.data = queue.Queue()   # for stream endpoints: (bytes|None, delay_after)

    def header(self, name):
        v = self.headers.get_all(name)
        return v[0] if v else ''

    def has(self, name):
        return bool(self.headers.get_all(name))


class Endpoint:
    def __init__(self, owner, handler):
        self.owner, self.handler = owner, handler
        self.conns = queue.Queue()
        self.closed = False
        with owner.lock:
            owner.last_id += 1
            self.id = str(owner.last_id)
            owner.endpoints[self.id] = self

    @property
    def url(self):
        return f'{self.owner.base_url}/endpoints/{self.id}'

    def close(self):
        with self.owner.lock:
            self.owner.endpoints.pop(self.id, None)
        self.closed = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    wbufsize = 0

    def log_message(self, *a):
        pass

    def _body(self):
        if 'chunked' in (self.headers.get('Transfer-Encoding') or '').lower():
            out = b''
            while True:
                size = int(self.rfile.readline().split(b';')[0], 16)
                if size == 0:
                    while self.rfile.readline() not in (b'\r\n', b'\n', b''):
                        pass
                    return out
                out += self.rfile.read(size)
                self.rfile.readline()
        n = int(self.headers.get('Content-Length') or 0)
        return self.rfile.read(n) if n else b''

    def reply(self, status, headers=(), body=b''):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        if status >= 200 and status != 204:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if body and self.command != 'HEAD':
            self.wfile.write(body)

    def _dispatch(self):
        hub = self.server.hub
        if self.command == 'HEAD':
            return self.reply(200)
        m = re.match(r'^/endpoints/([^/?]+)([^?]*)', self.path)
        with hub.lock:
            ep = hub.endpoints.get(m.group(1)) if m else None
        body = self._body()
        if ep is None:
            return self.reply(404)
        req = Request(self.command, m.group(2) or '/', self.headers, body)
        ep.conns.put(req)
        ep.handler(self, req)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_REPORT = do_OPTIONS = do_PATCH = _dispatch

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, OSError, ValueError):
            pass


class Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class Hub:
    def __init__(self, host, port, bind_all):
        self.lock = threading.Lock()
        self.endpoints, self.last_id = {}, 0
        self.base_url = f'http://{host}:{port}'
        self.servers = []
        pairs = [(ThreadingHTTPServer, '0.0.0.0' if bind_all else '127.0.0.1'), (Server6, '::' if bind_all else '::1')]
        for cls, addr in pairs:
            try:
                if cls is Server6:
                    s = cls((addr, port), Handler, bind_and_activate=False)
                    s.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    s.server_bind(); s.server_activate()
                else:
                    s = cls((addr, port), Handler)
            except OSError:
                if cls is Server6:
                    continue   # no IPv6 here
                raise
            s.daemon_threads = True
            s.hub = self
            threading.Thread(target=s.serve_forever, daemon=True).start()
            self.servers.append(s)


def stream_handler(h, req):
    """200 text/event-stream, chunked; writes what the test queues; None ends the response cleanly."""
    chunked = h.request_version != 'HTTP/1.0'
    h.send_response(200)
    h.send_header('Content-Type', 'text/event-stream; charset=utf-8')
    h.send_header('Cache-Control', 'no-cache, no-store, must-revalidate')
    if chunked:
        h.send_header('Transfer-Encoding', 'chunked')
    else:
        h.close_connection = True
    h.end_headers()
    while True:
        try:
            data, delay = req.data.get(timeout=0.05)
        except queue.Empty:
            r, _, _ = select.select([h.connection], [], [], 0)
            if r:
                try:
                    if not h.connection.recv(1, socket.MSG_PEEK):
                        h.close_connection = True
                        return
                except OSError:
                    h.close_connection = True
                    return
            continue
        if data is None:
            if chunked:
                h.connection.sendall(b'0\r\n\r\n')
            return
        if data:
            h.connection.sendall((b'%x\r\n%s\r\n' % (len(data), data)) if chunked else data)
        if delay:
            time.sleep(delay)


def fixed_handler(status, headers=()):
    return lambda h, req: h.reply(status, headers)


# =============================================================== the test service, seen from here
class Service:
    def __init__(self, url):
        self.url = url.rstrip('/') if url.count('/') == 3 and url.endswith('/') else url

    def call(self, method, url, obj=None, timeout=30):
        u = urlsplit(url)
        c = http.client.HTTPConnection(u.hostname, u.port or 80, timeout=timeout)
        try:
            body = None if obj is None else json.dumps(obj).encode()
            hs = {'Content-Type': 'application/json'} if body is not None else {}
            c.request(method, (u.path or '/') + ('?' + u.query if u.query else ''), body, hs)
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()

    def info(self):
        end = time.time() + STATUS_TIMEOUT
        while True:
            try:
                st, _, body = self.call('GET', self.url, timeout=5)
                break
            except OSError as e:
                if time.time() > end:
                    raise SystemExit(f'Test service error: timed out, result of last query was: {e}')
                time.sleep(0.1)
        if st != 200:
            raise SystemExit(f'Test service error: test service returned status code {st}')
        if not body.strip():
            return {}
        try:
            return json.loads(body)
        except ValueError:
            raise SystemExit(f'Test service error: malformed status response: {body[:200]!r}')


class Client:
    """One SSE client inside the test service."""

    def __init__(self, t, stream_url, **params):
        self.t = t
        self.out = queue.Queue()
        self.ignore_next_error = False
        self.lock, self.last, self.deferred = threading.Lock(), 0, {}
        self.ep = Endpoint(t.run_.hub, self._callback)
        t.defer(self.ep.close)
        p = {'tag': t.path, 'callbackUrl': self.ep.url, 'streamUrl': stream_url,
             'initialDelayMs': params.pop('initialDelayMs', None)}
        for k in ('lastEventId', 'method', 'body', 'headers'):
            if params.get(k):
                p[k] = params.pop(k)
        p['readTimeoutMs'] = params.pop('readTimeoutMs', None)
        t.debug(f'create stream {json.dumps(p)[:300]}')
        svc = t.run_.service
        try:
            st, hs, body = svc.call('POST', svc.url, p)
        except OSError as e:
            t.fail(f'cannot create stream: {e}')
        if not 200 <= st < 300:
            t.fail(f'unexpected response status {st} from test service: {body[:200]!r}')
        loc = hs.get('Location')
        if not loc:
            t.fail('test service did not return a Location header with a resource URL')
        self.resource = loc if loc.startswith('http:') else svc.url + loc
        t.defer(self._close)

    def _close(self):
        try:
            self.t.run_.service.call('DELETE', self.resource)
        except OSError:
            pass

    def _callback(self, h, req):
        m = re.fullmatch(r'/([+-]?\d+)', req.path)
        if not m:
            self.out.put({'kind': None, 'problem': f'callback request had invalid path {req.path!r}'})
            return h.reply(400)
        h.reply(202)
        n = int(m.group(1))
        with self.lock:
            if n > self.last + 1:
                self.deferred[n] = req.body
                return
            self.last = n
            self._emit(req.body)
            while self.last + 1 in self.deferred:
                self.last += 1
                self._emit(self.deferred.pop(self.last))

    def _emit(self, body):
        try:
            m = json.loads(body)
            if not isinstance(m, dict):
                raise ValueError
        except ValueError:
            m = {'kind': None, 'problem': f'malformed JSON data from test service: {body[:200]!r}'}
        self.t.debug('received ' + json.dumps(m)[:200])
        self.out.put(m)

    def message(self):
        end = time.time() + AWAIT
        while True:
            try:
                m = self.out.get(timeout=max(0, end - time.time()))
            except queue.Empty:
                self.t.fail('timed out waiting for message from test service entity')
            if self.ignore_next_error:
                self.ignore_next_error = False
                if m.get('kind') == 'error':
                    continue
            return m

    def of_kind(self, kind):
        m = self.message()
        if m.get('kind') != kind:
            self.t.fail(f'received an unexpected message: expected {kind!r} but got: {json.dumps(m)[:300]}')
        return m

    def event(self):
        e = self.of_kind('event').get('event')
        if not isinstance(e, dict):
            self.t.fail('missing object field "event" on expected "event" message')
        return {k: (e.get(k) or '') for k in ('type', 'data', 'id')}

    def error(self):
        return self.of_kind('error').get('error')

    def comment(self):
        return self.of_kind('comment').get('comment') or ''

    def events(self, *want):
        """type "" and "message" count as equal, as in the original"""
        for w in want:
            w = {'type': w.get('type') or 'message', 'data': w.get('data', ''), 'id': w.get('id', '')}
            g = self.event()
            g['type'] = g['type'] or 'message'
            if g != w:
                self.t.error(f'events differ: expected {json.dumps(w)[:300]} got {json.dumps(g)[:300]}')

    def command(self, obj):
        st, _, body = self.t.run_.service.call('POST', self.resource, obj)
        if st >= 300:
            self.t.fail(f'command returned HTTP status {st} ({body[:200]!r})')

    def listen(self, kind):
        if 'event-type-listeners' in self.t.run_.caps:
            self.command({'command': 'listen', 'listen': {'type': kind}})


class Stream:
    """One accepted connection to a stream endpoint."""

    def __init__(self, req):
        self.req = req

    def send(self, s):
        self.req.data.put((s.encode('utf-8') if isinstance(s, str) else s, 0))

    def send_in_chunks(self, s, size, delay):
        raw = s.encode('utf-8')
        parts = [raw[i:i + size] for i in range(0, len(raw), size)]
        for i, p in enumerate(parts):
            self.req.data.put((p, delay if i + 1 < len(parts) else 0))

    def end(self):
        self.req.data.put((None, 0))


class StreamServer:
    def __init__(self, t):
        self.t = t
        self.ep = Endpoint(t.run_.hub, stream_handler)
        t.defer(self.ep.close)

    def accept(self):
        try:
            return Stream(self.ep.conns.get(timeout=AWAIT))
        except queue.Empty:
            self.t.fail('timed out waiting for an incoming request to the stream endpoint')


# =============================================================== test runner
class T:
    def __init__(self, run, names):
        self.run_, self.names = run, names
        self.errors, self.cleanups, self.log = [], [], []

    @property
    def path(self):
        return '/'.join(self.names)

    def debug(self, s):
        self.log.append(f'{time.strftime("%H:%M:%S")} {s}')

    def error(self, s):
        self.errors.append(s)

    def fail(self, s):
        self.errors.append(s)
        raise Failed()

    def equal(self, want, got, what=''):
        if want != got:
            self.error(f'{what}: expected {want!r} got {got!r}')

    def defer(self, f):
        self.cleanups.append(f)

    def require(self, cap):
        if cap not in self.run_.caps:
            raise Skipped(f'test service does not have capability "{cap}"')

    def sub(self, name, fn):
        self.run_.one(self.names + [name], fn)

    # -- helpers used by the tests
    def start(self, **params):
        server = StreamServer(self)
        client = Client(self, server.ep.url, **params)
        return server, server.accept(), client


class Run:
    def __init__(self, hub, service, caps, run, skip, debug):
        self.hub, self.service, self.caps, self.debug_ = hub, service, caps, debug
        self.must = [[re.compile(p) for p in s.split('/')] for s in run]
        self.mustnot = [[re.compile(p) for p in s.split('/')] for s in skip]
        self.results = []

    def wanted(self, names):
        def match(p, parents):
            n = len(p)
            if n > len(names):
                if not parents:
                    return False
                n = len(names)
            return all(p[i].search(names[i]) for i in range(n))
        return (not self.must or any(match(p, True) for p in self.must)) and not any(match(p, False) for p in self.mustnot)

    def one(self, names, fn):
        if not self.wanted(names):
            self.results.append(('filtered', names, ''))
            return
        t = T(self, names)
        before = len(self.results)
        status, why, t0 = 'passed', '', time.time()
        try:
            fn(t)
        except Skipped as e:
            status, why = 'skipped', str(e)
        except Failed:
            pass
        except Exception:
            t.errors.append('unexpected exception: ' + traceback.format_exc())
        for c in reversed(t.cleanups):
            try:
                c()
            except Exception as e:
                t.debug(f'cleanup: {e}')
        if t.errors:
            status, why = 'failed', '; '.join(t.errors)
        group = any(len(r[1]) > len(names) and r[1][:len(names)] == names for r in self.results[before:])
        if group and status == 'passed':
            return
        self.results.append((status, names, why))
        mark = {'passed': 'ok  ', 'failed': 'FAIL', 'skipped': 'skip'}[status]
        print(f'{mark} [{t.path}] {time.time() - t0:.2f}s' + (f'\n       {why}' if why else ''), flush=True)
        if status == 'failed' and self.debug_:
            for line in t.log:
                print('       | ' + line)


# =============================================================== the tests
def basic(t):
    def simple(name, send, *want, listen=None):
        def f(t):
            _, s, c = t.start()
            if listen is not None:
                c.listen(listen)
            for x in ([send] if isinstance(send, str) else send):
                s.send(x)
            c.events(*want)
        t.sub(name, f)

    rnd = b64encode(random.Random(0).randbytes(5 * 1024 * 1024)).decode()

    simple('one-line message in one chunk', 'data: Hello\n\n', dict(data='Hello'))
    simple('two messages spanning 3 chunks with shared chunk', ['data: test', 'test\n\ndata:', 'test\n\n'], dict(data='testtest'), dict(data='test'))

    def large1(t):
        _, s, c = t.start()
        s.send('data: ' + rnd + '\n\n')
        if c.event()['data'] != rnd:
            t.error('Random message data did not match.')
    t.sub('large message in one chunk', large1)

    def large2(t):
        _, s, c = t.start()
        s.send('data: ' + rnd)
        s.send(rnd + '\n\n')
        if c.event()['data'] != rnd + rnd:
            t.error('Random message data did not match.')
    t.sub('large message in two chunks', large2)

    simple('one-line message in two chunks', ['data: Hel', 'lo\n\n'], dict(data='Hello'))
    simple('two one-line messages in one chunk', 'data: Hello\n\ndata: World\n\n', dict(data='Hello'), dict(data='World'))
    simple('one two-line message in one chunk', 'data: Hello\ndata:World\n\n', dict(data='Hello\nWorld'))
    simple('empty data', 'data:\n\n', dict(data=''))
    simple('event with specific type', 'event: greeting\ndata: Hello\n\n', dict(type='greeting', data='Hello'), listen='greeting')
    simple('default event type', 'data: Hello\n\n', dict(type='message', data='Hello'))
    simple('event with ID', 'id: abc\ndata: Hello\n\n', dict(id='abc', data='Hello'))
    simple('event with type and ID', 'event: greeting\nid: abc\ndata: Hello\n\n', dict(type='greeting', id='abc', data='Hello'), listen='greeting')
    simple('ID field is ignored if it contains a null', 'id: a\0bc\ndata: Hello\n\n', dict(data='Hello'))
    simple('last ID persists if not overridden by later event', ['id: abc\ndata: first\n\n', 'data: second\n\n'],
           dict(id='abc', data='first'), dict(id='abc', data='second'))
    simple('last ID can be overridden by an empty value', ['id: abc\ndata: first\n\n', 'id: \ndata: second\n\n'],
           dict(id='abc', data='first'), dict(data='second'))
    simple('fields in reverse order', 'data: Hello\nid: abc\nevent: greeting\n\n', dict(type='greeting', id='abc', data='Hello'), listen='greeting')
    simple('unknown field is ignored', 'event: greeting\ncolor: blue\ndata: Hello\n\n', dict(type='greeting', data='Hello'), listen='greeting')
    simple('fields without leading space', 'event:greeting\ndata:Hello\n\n', dict(type='greeting', data='Hello'), listen='greeting')
    simple('fields with extra leading space', 'event:  greeting\ndata:  Hello\n\n', dict(type=' greeting', data=' Hello'), listen=' greeting')
    simple('field with no colon', 'data\n\ndata\ndata\n\n', dict(data=''), dict(data='\n'))
    simple('multi-byte characters', 'data: \u20ac\u8c46\u8150\n\n', dict(data='\u20ac\u8c46\u8150'))
    simple('many messages in rapid succession', ''.join(f'data: message {i}\n\n' for i in range(100)), *[dict(data=f'message {i}') for i in range(100)])

    def pieces(t):
        _, s, c = t.start()
        s.send_in_chunks('data: \u20ac\u8c46\u8150\n\n', 1, 0.02)
        c.events(dict(data='\u20ac\u8c46\u8150'))
    t.sub('multi-byte characters sent in single-byte pieces', pieces)


def bom(t):
    t.require('bom')

    def simple(name, send, *want, listen=None, comment=None):
        def f(t):
            _, s, c = t.start()
            if listen:
                c.listen(listen)
            for x in ([send] if isinstance(send, (str, bytes)) else send):
                s.send(x)
            if comment is not None and 'comments' in t.run_.caps:
                t.equal(comment, c.comment(), 'comment')
            c.events(*want)
        t.sub(name, f)

    simple('BOM at start of stream is stripped', BOM + 'data: Hello\n\n', dict(data='Hello'))
    simple('BOM stripped before first event with type and ID', BOM + 'event: greeting\nid: abc\ndata: Hello\n\n',
           dict(type='greeting', id='abc', data='Hello'), listen='greeting')
    simple('BOM stripped with multiple messages', BOM + 'data: First\n\ndata: Second\n\n', dict(data='First'), dict(data='Second'))
    simple('BOM only stripped at stream start, not from later data', ['data: First\n\n', 'data: ' + BOM + 'Second\n\n'],
           dict(data='First'), dict(data=BOM + 'Second'))
    simple('BOM split across first two chunks', [b'\xef\xbb', b'\xbfdata: Hello\n\n'], dict(data='Hello'))
    simple('BOM split byte by byte across chunks', [b'\xef', b'\xbb', b'\xbf', b'data: Hello\n\n'], dict(data='Hello'))
    simple('only first BOM at start is stripped', BOM + 'data: ' + BOM + 'Hello\n\n', dict(data=BOM + 'Hello'))
    simple('no BOM - baseline test', 'data: Hello\n\n', dict(data='Hello'))
    simple('BOM with multi-line data', BOM + 'data: Line1\ndata: Line2\n\n', dict(data='Line1\nLine2'))
    simple('BOM with comment at start', BOM + ':comment\ndata: Hello\n\n', dict(data='Hello'), comment='comment')
    simple('BOM does not affect empty data field', BOM + 'data:\n\n', dict(data=''))


def comments(t):
    t.require('comments')

    def single(t):
        _, s, c = t.start()
        s.send(':Hello\n')
        t.equal('Hello', c.comment(), 'comment')
    t.sub('single comment', single)

    def two(t):
        _, s, c = t.start()
        s.send(':Hello\n')
        t.equal('Hello', c.comment(), 'comment')
        s.send(':World\n')
        t.equal('World', c.comment(), 'comment')
    t.sub('two comments in a row', two)

    def before(t):
        _, s, c = t.start()
        s.send(':Hello\n')
        s.send('data: Hello\n\n')
        t.equal('Hello', c.comment(), 'comment')
        e = c.event()
        t.equal('message', e['type'], 'type')
        t.equal('Hello', e['data'], 'data')
    t.sub('comment before event', before)

    def after(t):
        _, s, c = t.start()
        s.send('data: Hello\n\n')
        s.send(':Hello\n')
        e = c.event()
        t.equal('message', e['type'], 'type')
        t.equal('Hello', e['data'], 'data')
        t.equal('Hello', c.comment(), 'comment')
    t.sub('comment after event', after)


def linefeeds(t):
    def three_ways(inp, want):
        def group(t):
            def f(size):
                def g(t):
                    _, s, c = t.start()
                    if size:
                        s.send_in_chunks(inp, size, 0.01)
                    else:
                        s.send(inp)
                    c.events(*[dict(data=d) for d in want])
                return g
            t.sub('one chunk', f(0))
            t.sub('1-character chunks', f(1))
            t.sub('2-character chunks', f(2))
        return group

    def with_term(n):
        def group(t):
            t.sub('one-line event', three_ways(f'data: event 1{n}{n}', ['event 1']))
            t.sub('one-line event + two-line event', three_ways(
                f'data: event 1{n}{n}data: event 2 line 1{n}data: event 2 line 2{n}{n}', ['event 1', 'event 2 line 1\nevent 2 line 2']))
            t.sub('3-line event with empty line at beginning', three_ways(f'data:{n}data: line2{n}data: line3{n}{n}', ['\nline2\nline3']))
            t.sub('3-line event with empty line in middle', three_ways(f'data: line1{n}data:{n}data: line3{n}{n}', ['line1\n\nline3']))
            t.sub('ignores 1 extra empty line', three_ways(f'data: event 1{n}{n}{n}data: event 2{n}{n}', ['event 1', 'event 2']))
            t.sub('ignores 2 extra empty lines', three_ways(f'data: event 1{n}{n}{n}{n}data: event 2{n}{n}', ['event 1', 'event 2']))
        return group

    t.sub('LF separator', with_term('\n'))
    t.sub('CRLF separator', with_term('\r\n'))
    t.sub('CR separator', with_term('\r'))

    def split(t):
        _, s, c = t.start()
        for x in ('data: Hello\r', '\ndata: World\r', '\n\r\ndata: OK\r', '\n', '\r', '\n'):
            s.send(x)
        c.events(dict(data='Hello\nWorld'), dict(data='OK'))
    t.sub('CRLF where CR is end of 1 chunk', split)


def http_behavior(t):
    def default(t):
        _, s, _ = t.start()
        t.equal('GET', s.req.method, 'incorrect request method')
        t.equal('text/event-stream', s.req.header('Accept'), 'missing or incorrect Accept header')
        t.equal('no-cache', s.req.header('Cache-Control'), 'missing or incorrect Cache-Control header')
        if s.req.has('Last-Event-Id'):
            t.error('Last-Event-Id header should not have had a value')
    t.sub('default method and headers', default)

    if 'server-directed-shutdown-request' in t.run_.caps:
        def halt(t):
            ep = Endpoint(t.run_.hub, fixed_handler(204))
            t.defer(ep.close)
            Client(t, ep.url)
            time.sleep(1)
            t.equal(1, ep.conns.qsize(), 'number of requests after a 204')
        t.sub('204 halts re-connection attempts', halt)

    for status in (301, 307):
        def follow(t, status=status):
            server = StreamServer(t)
            ep = Endpoint(t.run_.hub, fixed_handler(status, [('Location', server.ep.url)]))
            t.defer(ep.close)
            c = Client(t, ep.url)
            server.accept().send('data: hello\n\n')
            c.events(dict(data='hello'))
        t.sub(f'client follows {status} redirect', follow)

        for action in ('empty', 'missing'):
            def bad(t, status=status, action=action):
                ep = Endpoint(t.run_.hub, fixed_handler(status, [('Location', '')] if action == 'empty' else []))
                t.defer(ep.close)
                Client(t, ep.url).error()
            t.sub(f'client handles {action} Location header with {status} status', bad)

    def headers(t):
        t.require('headers')
        _, s, _ = t.start(headers={'header-name-1': 'value-1', 'header-name-2': 'value-2'})
        t.equal('value-1', s.req.header('header-name-1'), "missing or incorrect custom header 'header-name-1'")
        t.equal('value-2', s.req.header('header-name-2'), "missing or incorrect custom header 'header-name-2'")
    t.sub('custom headers', headers)

    def with_body(method, cap):
        def f(t):
            t.require(cap)
            body = '{"hello": "world"}'
            _, s, _ = t.start(headers={'content-type': 'application/json; charset=utf-8'}, method=method, body=body)
            t.equal(method, s.req.method, 'incorrect request method')
            t.equal('application/json; charset=utf-8', s.req.header('Content-Type'), 'incorrect Content-Type header')
            t.equal(body.encode(), s.req.body, 'missing or incorrect request body')
        return f
    t.sub('POST request', with_body('POST', 'post'))
    t.sub('REPORT request', with_body('REPORT', 'report'))

    def lastid(t):
        t.require('last-event-id')
        _, s, _ = t.start(lastEventId='abc')
        t.equal('abc', s.req.header('Last-Event-Id'), 'missing or incorrect Last-Event-Id header')
    t.sub('sends Last-Event-Id in initial request if set', lastid)


def reconnection(t):
    def no_id(t, s):
        if s.req.has('Last-Event-Id'):
            t.error('first request should not have a Last-Event-Id header')

    def restart(t):
        t.require('restart')
        server, s, c = t.start(initialDelayMs=0)
        s.send('data: Hello\n\n')
        c.events(dict(data='Hello'))
        c.command({'command': 'restart'})
        server.accept().send('data: Thanks\n\n')
        c.events(dict(data='Thanks'))
    t.sub('caller can trigger a restart', restart)

    def sends_id(t):
        server, s, c = t.start(initialDelayMs=0)
        no_id(t, s)
        s.send('id: abc\ndata: Hello\n\n')
        c.events(dict(id='abc', data='Hello'))
        s.end()
        t.equal('abc', server.accept().req.header('Last-Event-Id'), 'reconnection request did not send expected Last-Event-Id')
    t.sub('sends ID of last received event', sends_id)

    def sends_id2(t):
        server, s, c = t.start(initialDelayMs=0)
        no_id(t, s)
        s.send('id: abc\ndata: Hello\n\n')
        s.send('data: World\n\n')
        e = c.event()
        t.equal('Hello', e['data'], 'data')
        t.equal('abc', e['id'], 'id')
        t.equal('World', c.event()['data'], 'data')
        s.end()
        t.equal('abc', server.accept().req.header('Last-Event-Id'), 'reconnection request did not send expected Last-Event-Id')
    t.sub('sends ID of last received event that had an ID if later events did not', sends_id2)

    def reset_id(t):
        server, s, c = t.start(initialDelayMs=0)
        no_id(t, s)
        s.send('id: abc\ndata: Hello\n\n')
        s.send('id: \ndata: World\n\n')
        e = c.event()
        t.equal('Hello', e['data'], 'data')
        t.equal('abc', e['id'], 'id')
        e = c.event()
        t.equal('World', e['data'], 'data')
        t.equal('', e['id'], 'id')
        s.end()
        s2 = server.accept()
        if s2.req.has('Last-Event-Id'):
            t.error(f'reconnection request should not have sent a Last-Event-Id header, but did (value was {s2.req.header("Last-Event-Id")!r})')
    t.sub('last event ID can be explicitly overridden with an empty value', reset_id)

    def body(t):
        t.require('post')
        b = '{"hello": "world"}'
        server, s, _ = t.start(headers={'content-type': 'application/json; charset=utf-8'}, initialDelayMs=0, method='POST', body=b)
        t.equal('POST', s.req.method, 'method')
        t.equal(b.encode(), s.req.body, 'body')
        s.end()
        s2 = server.accept()
        t.equal('POST', s2.req.method, 'method of second request')
        t.equal(b.encode(), s2.req.body, 'body of second request')
    t.sub('resends request body if any when reconnecting', body)

    def read_timeout(t):
        t.require('read-timeout')
        server, s, c = t.start(initialDelayMs=0, readTimeoutMs=500)
        s.send('data: Hello\n\n')
        time.sleep(1)
        c.events(dict(data='Hello'))
        c.error()
        server.accept()
    t.sub('can set read timeout', read_timeout)

    def partial(t):
        server, s, c = t.start(initialDelayMs=0)
        s.send('id: abc\ndata: Hello\n\nid: def\ndata: Goodbye')
        c.events(dict(id='abc', data='Hello'))
        s.end()
        c.ignore_next_error = True
        server.accept().send('data: We meet again\n\n')
        e = c.event()
        t.equal('We meet again', e['data'], 'data')
        if e['id'] == 'def':
            t.error('the ID of a discarded partial event was kept')
    t.sub('discards partial messages on retry', partial)

    def functional(t):
        server, s, c = t.start(initialDelayMs=0)
        no_id(t, s)
        s.send('id: abc\ndata: Hello\n\n')
        c.events(dict(id='abc', data='Hello'))
        s.end()
        c.ignore_next_error = True
        server.accept().send('id: def\ndata: World\n\n')
        c.events(dict(id='def', data='World'))
    t.sub('new connection established after breaking previous is functional', functional)


SUITE = [('basic parsing', basic), ('BOM handling', bom), ('comments', comments), ('linefeeds', linefeeds),
         ('HTTP behavior', http_behavior), ('reconnection', reconnection)]


class Lister(Run):
    """--list: walks the tree without running anything (leaf bodies stop at the first use of the service)."""
    def one(self, names, fn):
        t = T(self, names)
        before = len(self.results)
        try:
            fn(t)
        except Exception:
            pass
        if not any(r[1][:len(names)] == names for r in self.results[before:]):
            self.results.append(('', names, ''))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--url', '-url')
    ap.add_argument('--host', '-host', default='localhost')
    ap.add_argument('--port', '-port', type=int, default=8111)
    ap.add_argument('--bind-all', action='store_true', help='listen on every interface instead of loopback only')
    ap.add_argument('--run', '-run', action='append', default=[])
    ap.add_argument('--skip', '-skip', action='append', default=[])
    ap.add_argument('--stop-service-at-end', '-stop-service-at-end', action='store_true')
    ap.add_argument('--debug', '-debug', action='store_true')
    ap.add_argument('--json')
    ap.add_argument('--list', action='store_true')
    a = ap.parse_args()
    if a.list:
        class Dead:
            pass
        r = Lister(Dead(), Dead(), ALL_CAPABILITIES, [], [], False)
        for n, f in SUITE:
            r.one([n], f)
        for _, names, _ in r.results:
            print('/'.join(names))
        print(len(r.results), 'tests', file=sys.stderr)
        return 0
    if not a.url:
        ap.error('--url is required')
    service = Service(a.url)
    info = service.info()
    caps = info.get('capabilities') or []
    print('Test service:', json.dumps(info))
    missing = [c for c in ALL_CAPABILITIES if c not in caps]
    if missing:
        print('Tests for these capabilities will be skipped:', ', '.join(missing))
    r = Run(Hub(a.host, a.port, a.bind_all), service, caps, a.run, a.skip, a.debug)
    t0 = time.time()
    for n, f in SUITE:
        r.one([n], f)
    counts = {k: sum(x[0] == k for x in r.results) for k in ('passed', 'failed', 'skipped', 'filtered')}
    print(f'\n{counts["passed"]} passed, {counts["failed"]} failed, {counts["skipped"]} skipped, {counts["filtered"]} filtered out; {time.time() - t0:.1f}s')
    for st, names, why in r.results:
        if st == 'failed':
            print('  FAILED', '/'.join(names))
    if a.json:
        with open(a.json, 'w') as f:
            json.dump({'service': info, 'counts': counts,
                       'tests': [{'status': s, 'name': '/'.join(n), 'why': w} for s, n, w in r.results]}, f, indent=1)
    if a.stop_service_at_end:
        try:
            service.call('DELETE', service.url)
        except OSError:
            pass
    return 1 if counts['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
