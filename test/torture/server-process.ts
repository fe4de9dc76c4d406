// A process that starts one server where this process's network is, and does to it what its parent says.
//   To it: { act, number }.  From it: { listening: port }, { done: number }, { failed: reason }
// Arguments: the server's name, the address to listen on.
import type { ServerName } from "./schedule.ts";
import { actOn, type ServerAct, type ServerReport, startServer } from "./servers.ts";

const tell = (report: ServerReport): void => void process.send?.(report);
const failed = (error: unknown): void => tell({ failed: String(error) });
const [name, address] = process.argv.slice(2) as [ServerName, string];
const port = 4_700;
const server = await startServer(name, {
  port,
  config: name === "nats" ? `listen: "${address}:${port}"` : `bind ${address}\nprotected-mode no`,
});
process.on("message", ({ act, number }: { act: ServerAct; number: number }) => {
  actOn(server, act).then(() => tell({ done: number }), failed);
});
process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => process.exit(0));
tell({ listening: port });
