"""Serves the events with sse-starlette, in chunks, with pings in between."""

import asyncio
import json
import socket
import sys

import uvicorn
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.routing import Route

EVENTS = json.load(open(sys.argv[1], encoding="utf-8"))


async def stream(_request):
    async def events():
        for event in EVENTS:
            await asyncio.sleep(0.25)
            yield ServerSentEvent(**event)

    return EventSourceResponse(events(), ping=1)


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
app = Starlette(routes=[Route("/", stream)])
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
