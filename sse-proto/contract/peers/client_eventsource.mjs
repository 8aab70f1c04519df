// Reads a stream to its end with the EventSource of eventsource, and prints each event.
import { EventSource } from "eventsource";

const source = new EventSource(process.argv[2]);
source.onmessage = event => console.log(JSON.stringify([event.lastEventId, event.data]));
source.onerror = () => {
  source.close();
  process.exit(0);
};
