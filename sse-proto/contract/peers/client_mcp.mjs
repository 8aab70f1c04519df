// Uses the example `mcp_server` with the SDK for TypeScript, and prints what it sees, as JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const show = (what, value) => console.log(JSON.stringify([what, value]));

const transport = new StreamableHTTPClientTransport(new URL(process.argv[2]));
const client = new Client({ name: "peer", version: "1" });
const logged = new Promise(resolve => {
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    show("log", params.data);
    resolve();
  });
});
await client.connect(transport);
show("version", transport.protocolVersion);
show("tools", (await client.listTools()).tools.map(tool => tool.name));
show("add", (await client.callTool({ name: "add", arguments: { a: 1, b: 2 } })).content[0].text);
const onprogress = ({ progress, total }) => show("progress", [progress, total]);
show("count", (await client.callTool({ name: "count", arguments: { to: 40 } }, undefined, { onprogress })).content[0].text);
await logged;
const failed = await client.callTool({ name: "add", arguments: { a: "ü" } });
show("failed", [failed.isError, failed.content[0].text]);
await transport.terminateSession();
await client.close();
