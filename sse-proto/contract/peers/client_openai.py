"""Reads an answer in chunks as the OpenAI client does, and prints the text of each, or that the answer was cut."""

import json
import sys

from openai import APIConnectionError, OpenAI

client = OpenAI(api_key="none", base_url=sys.argv[1] + "v1", max_retries=0, timeout=10)
answer = client.chat.completions.create(model="m", stream=True, messages=[{"role": "user", "content": "?"}])
try:
    for chunk in answer:
        print(json.dumps(chunk.choices[0].delta.content), flush=True)
except APIConnectionError:
    print("cut", flush=True)
