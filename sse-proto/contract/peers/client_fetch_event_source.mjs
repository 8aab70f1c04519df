// Reads a stream to its end with fetch-event-source, which expects a browser, and prints each event.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

await fetchEventSource(process.argv[2], {
  openWhenHidden: true,
  async onopen(response) {
    if (response.status === 204) process.exit(0);
  },
  onmessage: ({ event, data, id }) => console.log(JSON.stringify([event || "message", data, id])),
  // As its documentation shows: otherwise the end of a stream is the end.
  onclose() {
    throw new Error("closed");
  },
  onerror() {},
});
