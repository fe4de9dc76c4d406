// NATS JetStream through the exported conformance and model suites, on a private server and over both client libraries.
import { connect as connectTransportNode } from "@nats-io/transport-node";
import {
  encodeActorKey,
  encodeMember,
  formatActor,
  PROTOCOL_VERSION,
  type RowMeta,
} from "@tenure/core/internal";
import { nats } from "@tenure/nats";
import {
  decodeMembers,
  DirectorySubjects,
  encodeMembers,
  type MembersRecord,
  openStream,
  type RecordStream,
  resolveNatsOptions,
  RowSubjects,
} from "@tenure/nats/internal";
import {
  directoryConformance,
  directoryModelConformance,
  type DirectoryState,
  type OpenedModelDirectory,
  type OpenedModelStorage,
  type Planted,
  storageConformance,
  storageModelConformance,
  type StorageState,
} from "@tenure/testing/internal";
import { connect as connectNats } from "nats";
import { deepStrictEqual } from "node:assert";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { environment } from "./store-bench.ts";

let server: NatsServer;
/** Streams that were opened behind the stores' backs, to look and to spoil. */
const opened = new Map<string, RecordStream>();

beforeAll(async () => {
  server = await startNats();
});
afterEach(async () => {
  for (const stream of opened.values()) await stream.close();
  opened.clear();
});
afterAll(() => server?.stop());

for (const [library, connect] of [
  ["nats", connectNats],
  ["@nats-io/transport-node", connectTransportNode],
] as const) {
  const backend = (): ReturnType<typeof nats> => nats({ servers: server.url, connect });
  const name = `jetstream over ${library}`;
  const directory = (): Promise<OpenedModelDirectory> =>
    Promise.resolve(openDirectory(() => backend().directory));
  const storage = (): Promise<OpenedModelStorage> =>
    Promise.resolve(openStorage(() => backend().storage));
  const skip = [{ rule: "PLACES", reason: "an attempt that was too slow may have taken a place" }];
  directoryConformance({ name, open: directory, skip });
  storageConformance({ name, open: storage });
  // The suites of drawn commands, over one of the two: what they find is not in a client library.
  if (library !== "nats") continue;
  directoryModelConformance({ name, open: directory });
  storageModelConformance({ name, open: storage });
}

const dispose = (): Promise<void> => Promise.resolve();

function openDirectory(provider: () => ReturnType<typeof nats>["directory"]): OpenedModelDirectory {
  const changeMembers = async (
    cluster: string,
    change: (record: MembersRecord) => void,
  ): Promise<RecordStream> => {
    const subjects = new DirectorySubjects(cluster);
    const stream = await streamOf(cluster, subjects);
    const slot = await stream.read(subjects.members);
    const record = decodeMembers(slot.bytes);
    change(record);
    await stream.put(slot, encodeMembers(record));
    return stream;
  };
  return {
    provider: provider(),
    reopen: () => Promise.resolve(provider()),
    dispose,
    compareRecords: compareDirectory,
    plant: {
      damagedEntry: async (cluster, actor) => {
        const subjects = new DirectorySubjects(cluster);
        return await spoil(await streamOf(cluster, subjects), subjects.entry(actor));
      },
      damagedMember: async (cluster, incarnation) => {
        const stream = await changeMembers(cluster, ({ texts }) => texts.set(incarnation, "{"));
        const { members } = new DirectorySubjects(cluster);
        return {
          unchanged: async () => {
            const { bytes } = await stream.read(members);
            return decodeMembers(bytes).texts.get(incarnation) === "{";
          },
        };
      },
      lostMember: async (cluster, incarnation) => {
        const stream = await changeMembers(cluster, ({ texts }) => texts.delete(incarnation));
        await stream.remove(await stream.read(new DirectorySubjects(cluster).swept(incarnation)));
      },
      foreignMember: async (cluster, incarnation) => {
        await changeMembers(cluster, ({ texts }) => {
          const member = JSON.parse(texts.get(incarnation)!) as object;
          texts.set(incarnation, JSON.stringify({ ...member, protocol: PROTOCOL_VERSION + 1 }));
        });
      },
    },
  };
}

function openStorage(provider: () => ReturnType<typeof nats>["storage"]): OpenedModelStorage {
  return {
    provider: provider(),
    reopen: () => Promise.resolve(provider()),
    dispose,
    compareRecords: compareStorage,
    plant: {
      damagedRow: async (cluster, actor) => {
        const subjects = new RowSubjects(cluster);
        const stream = await streamOf(cluster, subjects);
        return await spoil(stream, subjects.row(encodeActorKey(actor)));
      },
      newerRow: async (cluster, actor) => {
        const subjects = new RowSubjects(cluster);
        const stream = await streamOf(cluster, subjects);
        const subject = subjects.row(encodeActorKey(actor));
        return await spoil(stream, subject, (bytes) =>
          Buffer.from(bytes.toString("latin1").replace('"format":1', '"format":2'), "latin1"),
        );
      },
    },
  };
}

async function streamOf(
  cluster: string,
  { stream }: DirectorySubjects | RowSubjects,
): Promise<RecordStream> {
  let found = opened.get(stream.name);
  if (!found) {
    const options = resolveNatsOptions({ servers: server.url });
    found = (await openStream(options, { ...environment, cluster }, stream, { remade: false }))
      .stream;
    opened.set(stream.name, found);
  }
  return found;
}

/** Changes a record; the answer compares with what it is then. */
async function spoil(
  stream: RecordStream,
  subject: string,
  spoiled: (bytes: Buffer) => Uint8Array = (bytes) => bytes.subarray(0, bytes.length - 1),
): Promise<Planted> {
  const slot = await stream.read(subject);
  const bytes = spoiled(Buffer.from(slot.bytes!));
  await stream.put(slot, bytes);
  return {
    unchanged: async () => Buffer.from(bytes).equals((await stream.read(subject)).bytes!),
  };
}

/** What the ports cannot show: a record too many or too few, a field that is not the model's. */
async function compareDirectory(cluster: string, model: DirectoryState): Promise<void> {
  const subjects = new DirectorySubjects(cluster);
  const stream = await streamOf(cluster, subjects);
  const wanted = new Map<string, string>();
  for (const incarnation of model.swept) {
    const member = model.members.get(incarnation);
    if (member) wanted.set(subjects.swept(incarnation), encodeMember(member));
  }
  for (const [name, entry] of model.entries) {
    const slash = name.indexOf("/");
    const actor = { type: name.slice(0, slash), id: name.slice(slash + 1) };
    wanted.set(subjects.entry(actor), JSON.stringify(entry));
  }
  const { texts, sentinel, counter } = decodeMembers((await stream.read(subjects.members)).bytes);
  const listed = [...model.members].filter(([name]) => !model.swept.has(name));
  deepStrictEqual(
    new Map([...texts].map(([name, text]) => [name, JSON.parse(text) as unknown])),
    new Map(listed.map(([name, member]) => [name, JSON.parse(encodeMember(member)) as unknown])),
  );
  deepStrictEqual({ sentinel, counter }, { sentinel: model.sentinel, counter: model.counter });
  const found = await recordsOf(stream, `tnr-directory.${cluster}.>`);
  found.delete(subjects.members);
  const parsed = (records: Map<string, string | Buffer>): Map<string, unknown> =>
    new Map([...records].map(([subject, text]) => [subject, JSON.parse(String(text)) as unknown]));
  deepStrictEqual(parsed(found), parsed(wanted));
}

async function compareStorage(cluster: string, model: StorageState): Promise<void> {
  const subjects = new RowSubjects(cluster);
  const stream = await streamOf(cluster, subjects);
  const found = await recordsOf(stream, `tnr-state.${cluster}.row.*`);
  const rows = new Map<string, unknown>();
  for (const [subject, bytes] of found) rows.set(subject, rowOf(bytes));
  const wanted = new Map<string, unknown>();
  for (const { actor, meta, parts } of model.rows.values())
    wanted.set(subjects.row(encodeActorKey(actor)), {
      meta,
      parts: new Map([...parts].map(([name, bytes]) => [name, Buffer.from(bytes)])),
    });
  deepStrictEqual(rows, wanted, formatActor({ type: cluster, id: "rows" }));
}

/** As it is stored: of a newer format, too. */
function rowOf(bytes: Buffer): unknown {
  const headerEnd = 4 + bytes.readUInt32BE(0);
  const { parts: sizes, ...meta } = JSON.parse(bytes.toString("utf8", 4, headerEnd)) as RowMeta & {
    parts: readonly (readonly [string, number])[];
  };
  let at = headerEnd;
  const parts = sizes.map(([name, size]) => [name, bytes.subarray(at, (at += size))] as const);
  return { meta: { ...meta, due: meta.due }, parts: new Map(parts) };
}

async function recordsOf(stream: RecordStream, filter: string): Promise<Map<string, Buffer>> {
  const records = new Map<string, Buffer>();
  for (const subject of await stream.list(filter)) {
    const { bytes } = await stream.read(subject);
    records.set(subject, Buffer.from(bytes!));
  }
  return records;
}
