"""The versions of the peers."""

import json
import platform
import re
import subprocess

from row import FOLDER, PYTHON

# From package to peer.
PYTHON_PACKAGES = ["openai", "httpx-sse", "sseclient-py", "sse-starlette", "fastapi", "mcp"]
NODE_PACKAGES = {name: name for name in ["eventsource", "undici", "express", "better-sse"]}
NODE_PACKAGES |= {"openai": "openai (npm)", "@microsoft/fetch-event-source": "fetch-event-source"}
NODE_PACKAGES |= {"@modelcontextprotocol/sdk": "mcp (npm)"}


def output(*command):
    return subprocess.check_output(command, text=True, stderr=subprocess.STDOUT)


def find():
    """Returns the version of each peer."""
    script = f"import importlib.metadata as m; print(*map(m.version, {PYTHON_PACKAGES}))"
    found = dict(zip(PYTHON_PACKAGES, output(PYTHON, "-c", script).split()))
    for package, peer in NODE_PACKAGES.items():
        manifest = FOLDER / "node_modules" / package / "package.json"
        found[peer] = json.loads(manifest.read_text())["version"]
    found["curl"] = output("curl", "--version").split()[1]
    found["http.server"] = platform.python_version()
    found["Chromium"] = re.search(r"Chromium (\d[\d.]+)", output("chromium", "--version"))[1]
    found["axum Sse"] = re.search(r"axum@([\d.]+)", output("cargo", "pkgid", "axum"))[1]
    found["nginx"] = re.search(r"nginx/([\d.]+)", output("nginx", "-v"))[1]
    found["nchan"] = output("dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan").partition(":")[2].partition("+")[0]
    found["OpenAI's format"] = found["Anthropic's format"] = "-"
    return found
