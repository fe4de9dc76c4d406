// The conformance suite of the directory port. Titles carry the port's promises (D), the protocol's rules (R), holes (H)
// and invariants (I).
import { DirectoryBench, type OpenedDirectory } from "./directory-bench.ts";
import { claimTests } from "./directory-claims.ts";
import { memberTests } from "./directory-members.ts";
import { directorySessionTests } from "./directory-sessions.ts";
import { takeoverTests } from "./directory-takeover.ts";
import { type ConformanceOptions, conformanceSuite } from "./suite.ts";

export type { DirectoryPlants, OpenedDirectory } from "./directory-bench.ts";
export type DirectoryConformanceOptions = ConformanceOptions<OpenedDirectory>;

/**
 * Declares the tests that every directory must pass, in the calling test file.
 * @example directoryConformance({ name: "memory", open: async () => ({ provider: memoryDirectory(), dispose: async () => {} }) })
 */
export function directoryConformance(options: DirectoryConformanceOptions): void {
  conformanceSuite(
    "directory",
    options,
    (store) => new DirectoryBench(store),
    (rule) => {
      memberTests(rule);
      claimTests(rule);
      takeoverTests(rule);
      directorySessionTests(rule);
    },
  );
}
