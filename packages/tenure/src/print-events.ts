// The default listener: actors' log lines, and what an operator should know, one line each on stderr.
import { formatActor, shortName, type TenureEvent } from "@tenure/core/internal";

/** Writes an event to stderr if it is worth a person's time: log lines, pauses, losses, damage. */
export function printEvent(event: TenureEvent): void {
  const line = describeEvent(event);
  if (line === undefined) return;
  const time = new Date(event.atMs).toISOString().slice(11, 23);
  process.stderr.write(`${time} ${event.silo || "client"} ${line}\n`);
}

function describeEvent(event: TenureEvent): string | undefined {
  switch (event.type) {
    case "store.opened":
      return promise(event.store.replace(/^\w+: /, ""), event.durability);
    case "actor.log": {
      const fields = Object.keys(event.fields).length > 0 ? ` ${toJson(event.fields)}` : "";
      return `${event.level} ${formatActor(event.actor)} ${event.message}${fields}`;
    }
    case "silo.paused":
      return `warn the silo is paused: ${event.reason}`;
    case "silo.resumed":
      return `info the silo serves again after ${Math.round(event.pausedMs)} ms`;
    case "silo.lost":
      return `error incarnation ${shortName(event.incarnation)} is lost: ${event.reason}; rejoining as a new one`;
    case "member.dead":
      return `warn silo ${event.name || shortName(event.incarnation)} is dead; its actors move`;
    case "activation.fenced":
      return `warn ${formatActor(event.actor)} was fenced at generation ${event.generation} (stored: ${event.storedGeneration}); the activation is discarded`;
    case "activation.failed":
      return `error ${formatActor(event.actor)} could not be activated: ${event.error}`;
    case "activation.outdated":
      // A silo that knows it takes it: what a rolling deployment is like.
      return event.to === undefined
        ? `error ${event.problem}, and no silo that is known has newer code`
        : undefined;
    case "directory.rolled-back":
      return "error the directory lost acknowledged writes; every activation here is discarded and comes back from the store";
    case "store.damaged":
      return `error damaged record ${event.key}: ${event.problem}; left as it is`;
    case "task.failed":
      return `error ${event.task} failed: ${event.error}`;
    case "retries.held-back":
      return `warn the retry budget is used up; refused calls wait longer (${event.openCalls} are open)`;
    case "actors.hot":
      return `warn calls wait long for ${event.actors.map(({ actor, waiting, serviceMs }) => `${formatActor(actor)} (${waiting} calls, ${serviceMs} ms each)`).join(", ")}`;
    case "deadlock.broken":
      return `warn calls waited for each other, and one was refused: ${event.ring}`;
    case "authorize.failed":
      return `error authorize failed, and ${event.total === 1 ? "its call was" : `${event.total} calls so far were`} refused: ${event.error}`;
    case "transport.garbage":
      // Whoever can send one frame can send a million: one line for the 1st, the 10th, the 100th.
      return isPowerOfTen(event.total)
        ? `warn dropped ${event.total === 1 ? "a foreign frame" : `${event.total} foreign frames`}; the last from ${event.from}: ${event.problem}`
        : undefined;
    case "transport.disconnected":
      return `warn disconnected: ${event.reason}`;
    case "transport.reconnected":
      return "info connected again";
    default:
      return undefined;
  }
}

const said = new Set<string>();

/**
 * Directory and storage are mostly one store, and a process may have many silos: the same promise is one line. Nobody chose the memory,
 * or has to be told that it ends with its process.
 */
function promise(store: string, durability: string): string | undefined {
  const line = `info ${store}: ${durability}`;
  if (store === "memory" || said.has(line)) return undefined;
  said.add(line);
  return line;
}

function isPowerOfTen(count: number): boolean {
  return Number.isInteger(Math.log10(count));
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}
