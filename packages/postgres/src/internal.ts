// For tests: nothing here is promised.
export { MIGRATIONS, migrate, type RunSql } from "./schema/migrations.ts";
