// Reads an answer in chunks as the OpenAI client for Node.js does, and prints the text of each.
// fetch of Node.js takes a cut for the end, because the response says Connection: close.
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "none", baseURL: `${process.argv[2]}v1`, maxRetries: 0, timeout: 10_000 });
const answer = await client.chat.completions.create({ model: "m", stream: true, messages: [{ role: "user", content: "?" }] });
for await (const chunk of answer) console.log(JSON.stringify(chunk.choices[0].delta.content));
