// For tests, which look at records behind the stores' backs.
export { encodeMembers, decodeMembers, type MembersRecord } from "./jetstream/members-record.ts";
export { openStream, type OpenedStream } from "./jetstream/open-stream.ts";
export type { RecordStream, Slot } from "./jetstream/record-stream.ts";
export { decodeRow, encodeRow } from "./jetstream/row-record.ts";
export { DirectorySubjects, RowSubjects } from "./jetstream/subjects.ts";
export { resolveNatsOptions } from "./options.ts";
