// Where tests find nats-server and redis-server. `pnpm test` puts what is missing in place before it starts vitest.
export { serverBinaries, type ServerBinaries } from "../../scripts/servers.mjs";
