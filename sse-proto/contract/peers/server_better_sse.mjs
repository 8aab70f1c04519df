// Serves the events with better-sse, which sends data as JSON.
import { createEventBuffer, createSession } from "better-sse";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

const events = JSON.parse(readFileSync(process.argv[2]));

const server = createServer(async (request, response) => {
  const last = request.headers["last-event-id"];
  const next = last ? events.findIndex(event => event.id === last) + 1 : 0;
  if (next === events.length) return response.writeHead(204).end();
  const session = await createSession(request, response);
  for (const { event, data, id, pause } of events.slice(next)) {
    await wait(pause);
    if (!session.isConnected) return;
    const buffer = createEventBuffer();
    if (id !== undefined) buffer.id(id);
    if (event) buffer.event(event);
    await session.batch(buffer.data(data).dispatch());
  }
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
