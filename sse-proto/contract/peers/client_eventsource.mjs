// Reads a stream with the EventSource of eventsource or undici until status 204, and prints each event.
const { EventSource } = await import(process.argv[2]);

// undici's timer for the reconnection does not keep the process alive.
setInterval(() => {}, 1000);
const source = new EventSource(process.argv[3]);
const print = event => console.log(JSON.stringify([event.type, event.data, event.lastEventId]));
source.addEventListener("message", print);
source.addEventListener("tick", print);
source.onerror = () => {
  if (source.readyState === EventSource.CLOSED) process.exit(0);
};
