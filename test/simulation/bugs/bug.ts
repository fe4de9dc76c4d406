// A rule that is switched off, from outside: by a port, a wrapped provider or a decision that is handed in.
import type { Substitutions } from "@tenure/testing/simulation";
import type { WorkloadName } from "../workloads/named.ts";

export interface Bug {
  /** The rule, as in the protocol; with a word where one rule has several sides. */
  readonly rule: string;
  /** What is broken, in a sentence. */
  readonly breaks: string;
  readonly substitutions: Substitutions;
  /** Whether it takes a store that forgets to show. */
  readonly amnesia?: boolean | undefined;
  /** What clients do. @default 'protocol' */
  readonly workload?: WorkloadName | undefined;
  /** A seed that has shown it, of a bug that few show: its test looks there first. */
  readonly shownBy?: number | undefined;
}

/** A rule that cannot be switched off so, and why. */
export interface Unswitchable {
  readonly rule: string;
  readonly why: string;
}
