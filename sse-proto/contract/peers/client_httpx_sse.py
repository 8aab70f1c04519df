"""Reads a stream to its end with httpx-sse, which many clients of services build on, and prints each event."""

import json
import sys

import httpx
from httpx_sse import connect_sse

with httpx.Client(timeout=10) as client, connect_sse(client, "GET", sys.argv[1]) as source:
    for event in source.iter_sse():
        print(json.dumps([event.id, event.data]), flush=True)
