// A client as a process of its own, steered by its parent.
//   To it:   { start: { seed, originMs, workers } }, { stop: true }, { probe: actors } (until each has answered)
//   From it: { connected: true }, { record }, { stopped: true }, { probed: actor, atMs }
// Environment: CLUSTER, NATS_URL. Argument: its name.
import { nats } from "@tenure/nats";
import { seededRandom } from "@tenure/core/internal";
import { CallError, type Client, connect } from "tenure";
import type { ActorName, CallRecord } from "./history.ts";
import { nowMs } from "./one-clock.ts";
import { readActor, Workload } from "./workload.ts";

export type ToClient =
  | {
      readonly start: {
        readonly seed: number;
        readonly originMs: number;
        readonly workers: number;
      };
    }
  | { readonly stop: true }
  | { readonly probe: readonly ActorName[] };

export type ClientReport =
  | { readonly connected: true }
  | { readonly record: CallRecord }
  | { readonly stopped: true }
  | { readonly probed: ActorName; readonly atMs: number };

const tell = (report: ClientReport): void => void process.send?.(report);
const name = process.argv[2]!;
const client: Client = await connect({
  cluster: process.env["CLUSTER"],
  ...nats({ servers: process.env["NATS_URL"]! }),
  onEvent: () => undefined,
});
let workload: Workload | undefined;

process.on("message", (message: ToClient) => {
  if ("start" in message) void work(message.start);
  else if ("stop" in message) workload?.stop();
  else for (const actor of message.probe) void probe(actor);
});
process.once("disconnect", () => process.exit(1));
tell({ connected: true });

async function work(start: { seed: number; originMs: number; workers: number }): Promise<void> {
  workload = new Workload({
    name,
    client,
    random: seededRandom(start.seed),
    originMs: start.originMs,
    record: (record) => tell({ record }),
  });
  await workload.run(start.workers);
  tell({ stopped: true });
}

async function probe(actor: ActorName): Promise<void> {
  for (;;) {
    try {
      await readActor(client, actor);
      return tell({ probed: actor, atMs: nowMs() });
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
    }
  }
}
