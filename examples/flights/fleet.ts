// The silos of a run, as the story of main.ts sees them: embedded in this process, or processes of their own.
import type { ActorClient } from "tenure";

/** `double`: one flight is counted twice. `lose`: one commit is acknowledged and dropped. Both must be found out. */
export type Sabotage = "double" | "lose" | undefined;

export interface Fleet {
  readonly title: string;
  readonly silos: readonly string[];
  /** Calls the airports; it does not live in the silo that will crash. */
  readonly client: ActorClient;
  /** How the silo ends in the middle: no goodbye. */
  readonly crashing: string;
  crash(silo: string): void;
  /** How a silo is drained, where the run has that part. */
  readonly draining: string | undefined;
  drain(silo: string): Promise<void>;
  /** Ends every silo. */
  stopSilos(): Promise<void>;
  /** Freshly started silos over the same store. */
  restart(): Promise<{ readonly client: ActorClient; stop(): Promise<void> }>;
  /** Ends everything that the run started, whatever happened. */
  dispose(): Promise<void>;
}
