"""Streams answers of language models, in the forms that two services have published.

The path says what happens: whole, cut before the end, or an error inside the stream.
"""

import http.server
import json
import time

TEXTS = ["Hello", ", ", "ü …, 日本, 🎈", "\n\n", "two lines\nand more"] + [f" {number}" for number in range(200)]


def openai():
    """POST /v1/chat/completions of OpenAI, with "stream": true."""
    for text in TEXTS:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def anthropic():
    """POST /v1/messages of Anthropic, with "stream": true."""

    def event(name, **fields):
        return f"event: {name}\ndata: {json.dumps({'type': name} | fields)}\n\n"

    yield event("message_start", message={"id": "m", "role": "assistant", "content": []})
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    yield event("ping")
    for text in TEXTS:
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
    yield event("content_block_stop", index=0)
    yield event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": len(TEXTS)})
    yield event("message_stop")


ANSWERS = {"openai": openai, "anthropic": anthropic}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        _, service, what = self.path.split("/")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, piece in enumerate(ANSWERS[service]()):
            if number == 100 and what != "whole":
                if what == "error":
                    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
                    self.chunk(f"event: error\ndata: {json.dumps(error)}\n\n")
                else:
                    self.close_connection = True
                    return
            if number < 5:
                time.sleep(0.1)
            self.chunk(piece)
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
