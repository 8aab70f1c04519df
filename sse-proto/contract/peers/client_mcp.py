"""Uses the example `mcp_server` with the SDK for Python, and prints what it sees, as JSON."""

import asyncio
import json
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


def show(what, value):
    print(json.dumps([what, value]), flush=True)


async def main():
    logged = asyncio.Event()

    async def log(message):
        show("log", message.data)
        logged.set()

    async def progress(number, total, _message):
        show("progress", [number, total])

    async with streamable_http_client(sys.argv[1]) as (read, write, *_):
        async with ClientSession(read, write, logging_callback=log) as session:
            show("version", (await session.initialize()).protocol_version)
            show("tools", [tool.name for tool in (await session.list_tools()).tools])
            show("add", (await session.call_tool("add", {"a": 1, "b": 2})).content[0].text)
            counted = await session.call_tool("count", {"to": 40}, progress_callback=progress)
            show("count", counted.content[0].text)
            await asyncio.wait_for(logged.wait(), 10)
            failed = await session.call_tool("add", {"a": "ü"})
            show("failed", [failed.is_error, failed.content[0].text])


asyncio.run(main())
