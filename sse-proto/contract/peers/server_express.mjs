// Serves the events with Express: as they are, behind its compression, and where that must not transform them.
import compression from "compression";
import express from "express";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

const events = JSON.parse(readFileSync(process.argv[2]));

const stream = headers => async (request, response) => {
  const last = request.get("Last-Event-ID");
  const next = last ? events.findIndex(event => event.id === last) + 1 : 0;
  if (next === events.length) return response.status(204).end();
  response.writeHead(200, { "Content-Type": "text/event-stream", ...headers });
  response.flushHeaders();
  for (const { event, data, id, pause } of events.slice(next)) {
    await wait(pause);
    const lines = data.split("\n").map(line => `data: ${line}\n`).join("");
    response.write(`:\n${id === undefined ? "" : `id: ${id}\n`}${event ? `event: ${event}\n` : ""}${lines}\n`);
  }
  response.end();
};

const app = express();
app.get("/", stream({}));
app.use(compression());
app.get("/compressed", stream({}));
app.get("/no-transform", stream({ "Cache-Control": "no-cache, no-transform" }));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
