// SIGTERM hands the actors of this process over, as its platform expects: Kubernetes, systemd and Docker send it, wait, and kill.
//   T1. All silos of the process drain together; then the process ends as SIGTERM would have ended it.
//   T2. A program that listens for SIGTERM itself decides about its own end: the silos drain, and nothing else is done.
//   T3. With its last silo the listener is gone: a process without silos reacts as if this file were not there.
import type { Silo } from "@tenure/runtime";

const silos = new Set<Silo>();
let stopping = false;

export function stopOnSigterm(silo: Silo): void {
  // First, so that it sees the others' listeners: one that listens once is gone when it has heard.
  if (silos.size === 0) process.prependListener("SIGTERM", drainAll);
  silos.add(silo);
  const unsubscribe = silo.events.subscribe(({ type }) => {
    if (type !== "silo.stopped") return;
    unsubscribe();
    silos.delete(silo);
    if (silos.size === 0 && !stopping) process.off("SIGTERM", drainAll);
  });
}

function drainAll(): void {
  if (stopping) return;
  stopping = true;
  const alone = process.listenerCount("SIGTERM") === 1;
  void Promise.allSettled([...silos].map(async (silo) => await silo.stop())).then(() => {
    stopping = false;
    silos.clear();
    process.off("SIGTERM", drainAll);
    if (alone) process.kill(process.pid, "SIGTERM");
  });
}
