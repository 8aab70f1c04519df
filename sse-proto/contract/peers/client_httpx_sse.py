"""Reads a stream to its end with httpx-sse, which many clients of services build on, and prints each event.

httpx-sse does not reconnect. A cut is an error, after which this program resumes from the last event id.
"""

import json
import sys

import httpx
from httpx_sse import connect_sse

last = ""
with httpx.Client(timeout=10) as client:
    while True:
        headers = {"Last-Event-ID": last} if last else {}
        try:
            with connect_sse(client, "GET", sys.argv[1], headers=headers) as source:
                for event in source.iter_sse():
                    last = event.id
                    print(json.dumps([event.event, event.data, event.id]), flush=True)
            break
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            print(error, file=sys.stderr)
