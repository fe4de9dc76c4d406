// How many timers of this process are open: set, and neither fired for the last time nor cleared. Node tells only of those that keep it
// alive, and ours mostly do not. Has to be loaded before anything that sets one.

type Handler = (...args: unknown[]) => void;

const open = new Set<unknown>();
const original = { setTimeout, clearTimeout, setInterval, clearInterval };

export function openTimers(): number {
  return open.size;
}

function counted(handler: Handler, ms: number | undefined, args: readonly unknown[]): unknown {
  const timer = original.setTimeout(() => {
    open.delete(timer);
    handler(...args);
  }, ms);
  open.add(timer);
  return timer;
}

function cleared(timer: unknown): void {
  open.delete(timer);
  original.clearTimeout(timer as NodeJS.Timeout);
}

// What Node's own promises of timers hang on the function stays there.
globalThis.setTimeout = Object.assign(
  (handler: Handler, ms?: number, ...args: unknown[]) => counted(handler, ms, args),
  original.setTimeout,
) as typeof setTimeout;
globalThis.setInterval = ((handler: Handler, ms?: number, ...args: unknown[]) => {
  const timer = original.setInterval(handler, ms, ...args);
  open.add(timer);
  return timer;
}) as typeof setInterval;
globalThis.clearTimeout = cleared as typeof clearTimeout;
globalThis.clearInterval = cleared as typeof clearInterval;
