// For tests: nothing here is promised.
export { MIGRATIONS, migrate } from "./schema/migrations.ts";
export type { RunSql } from "./sql.ts";
