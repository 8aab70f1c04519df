"""Reads a stream to its end with sseclient-py, over httpx, and prints each event.

sseclient-py does not reconnect. A cut is an error, after which this program resumes from the last event id.
"""

import json
import sys

import httpx
from sseclient import SSEClient

last = ""
while True:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    try:
        with httpx.stream("GET", sys.argv[1], headers=headers, timeout=10) as response:
            for event in SSEClient(response.iter_raw()).events():
                last = event.id or last
                print(json.dumps([event.event, event.data, event.id]), flush=True)
        break
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        print(error, file=sys.stderr)
