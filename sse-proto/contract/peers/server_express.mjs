// Serves the events with Express: as they are, behind its compression, and where that must not transform them.
import compression from "compression";
import express from "express";
import { readFileSync } from "node:fs";

const events = JSON.parse(readFileSync(process.argv[2]));

const stream = headers => (_request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", ...headers });
  response.flushHeaders();
  let next = 0;
  const timer = setInterval(() => {
    if (next === events.length) {
      clearInterval(timer);
      return response.end();
    }
    const { event, data, id } = events[next++];
    const lines = data.split("\n").map(line => `data: ${line}\n`).join("");
    response.write(`:\n${id === undefined ? "" : `id: ${id}\n`}${event ? `event: ${event}\n` : ""}${lines}\n`);
  }, 250);
};

const app = express();
app.get("/plain", stream({}));
app.use(compression());
app.get("/compressed", stream({}));
app.get("/no-transform", stream({ "Cache-Control": "no-cache, no-transform" }));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
