"""Serves the events with sse-starlette at /, and with FastAPI's own streams at /fastapi."""

import asyncio
import json
import socket
import sys

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sse_starlette import EventSourceResponse as StarletteResponse
from sse_starlette import ServerSentEvent as StarletteEvent

EVENTS = json.load(open(sys.argv[1], encoding="utf-8"))
app = FastAPI()


def events_after(last_event_id: str | None = Header(None)):
    ids = [event.get("id") for event in EVENTS]
    events = EVENTS[ids.index(last_event_id) + 1 if last_event_id else 0 :]
    if not events:
        raise HTTPException(204)
    return events


def fields(event, *names):
    return {name: event[name] for name in names if name in event}


@app.get("/")
async def starlette(events=Depends(events_after)):
    async def stream():
        for event in events:
            await asyncio.sleep(event["pause"] / 1000)
            yield StarletteEvent(**fields(event, "id", "event", "data"))

    return StarletteResponse(stream(), ping=1)


@app.get("/fastapi", response_class=EventSourceResponse)
async def fastapi(events=Depends(events_after)):
    for event in events:
        await asyncio.sleep(event["pause"] / 1000)
        yield ServerSentEvent(raw_data=event["data"], **fields(event, "id", "event"))


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
