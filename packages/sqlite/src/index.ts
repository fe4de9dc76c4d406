// For applications: durable actors in one process.
export { type Embedded, embedded, type EmbeddedOptions } from "./embedded.ts";
