// The conformance suite of the transport port. Titles carry the port's promises (T1 to T7) and, where a transport may
// have no way to show one, a word of the suite: LIMIT (it has a largest message), RAW (foreign bytes can be put on its
// way), CUT (its connection can be lost).
import { type ConformanceOptions, conformanceSuite } from "./suite.ts";
import { type OpenedTransport, TransportBench } from "./transport-bench.ts";
import { borderTests } from "./transport-border.ts";
import { deliveryTests } from "./transport-delivery.ts";
import { messageTests } from "./transport-messages.ts";

export type { OpenedTransport, RawWay } from "./transport-bench.ts";
export type TransportConformanceOptions = ConformanceOptions<OpenedTransport>;

/**
 * Declares the tests that every transport must pass, in the calling test file.
 * @example transportConformance({ name: "loopback", open: async () => ({ provider: loopback(), dispose: async () => {} }) })
 */
export function transportConformance(options: TransportConformanceOptions): void {
  conformanceSuite(
    "transport",
    options,
    (opened) => new TransportBench(opened),
    (rule) => {
      messageTests(rule);
      deliveryTests(rule);
      borderTests(rule);
    },
  );
}
