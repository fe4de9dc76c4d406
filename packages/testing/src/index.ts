// For tests of applications. (The conformance suites for authors of backends are in `@tenure/testing/internal`.)
export { crash } from "./crash.ts";
export { testSilos, type TestSilos, type TestSilosOptions } from "./test-silos.ts";
export { VirtualClock } from "./virtual-clock.ts";
