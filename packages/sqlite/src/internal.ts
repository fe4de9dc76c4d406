// For Tenure's own tests: what the embedded stores are made of.
export * from "./index.ts";
export { closeDatabaseFile, DATABASE_FILE, openDatabaseFile, PID_FILE } from "./database-file.ts";
export { isBusy, loadDriver, type SqlDatabase, type SqlDriver, type SqlRow } from "./driver.ts";
export { MAX_STATE_BYTES } from "./embedded.ts";
export { SCHEMA_VERSION } from "./schema.ts";
