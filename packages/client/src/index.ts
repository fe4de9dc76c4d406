// For applications: connecting to a cluster.
export type { ActorClient } from "./client.ts";
export { type Client, connect, type ConnectOptions } from "./connect.ts";
