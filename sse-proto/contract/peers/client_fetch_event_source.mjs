// Reads a stream to its end with fetch-event-source, which expects a browser, and prints each event.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

await fetchEventSource(process.argv[2], {
  openWhenHidden: true,
  onmessage: event => console.log(JSON.stringify([event.id, event.data])),
  onerror: error => { throw error; },
});
