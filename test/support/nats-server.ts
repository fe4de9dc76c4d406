// Private nats-servers for tests: those of examples/support/private-servers.ts, under the names that tests use.
export {
  type PrivateServer as NatsServer,
  type PrivateServerOptions as NatsServerOptions,
  startNatsServer as startNats,
} from "../../examples/support/private-servers.ts";
