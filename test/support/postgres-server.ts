// A private PostgreSQL for one test file: examples/support/private-servers.ts, and why there may be none.
import { postgresBinaries } from "../../scripts/servers.mjs";

export {
  freePort,
  type PrivateServer as PostgresServer,
  startPostgresServer as startPostgres,
} from "../../examples/support/private-servers.ts";

/** For `describe.skipIf`, and for the title of what is skipped. */
export const NO_POSTGRES: string | false = postgresBinaries()
  ? false
  : "skipped: postgres is not on this machine";
