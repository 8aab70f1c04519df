"""Reads a stream to its end with sseclient-py, over httpx, and prints each event."""

import json
import sys

import httpx
from sseclient import SSEClient

with httpx.stream("GET", sys.argv[1], headers={"Accept": "text/event-stream"}, timeout=10) as response:
    for event in SSEClient(response.iter_raw()).events():
        print(json.dumps([event.id, event.data]), flush=True)
