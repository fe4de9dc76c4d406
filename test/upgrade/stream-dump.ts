// All records of the fixtures' cluster on JetStream, by stream and subject; and back, onto a server that has none.
import {
  DirectorySubjects,
  openStream,
  type RecordStream,
  resolveNatsOptions,
  RowSubjects,
} from "@tenure/nats/internal";
import { CLUSTER, portEnvironment } from "./port-environment.ts";
import { type Bytes, toBytes, toText } from "./text-bytes.ts";

export type StreamsDump = Readonly<Record<string, Readonly<Record<string, Bytes>>>>;

const STREAMS = [new DirectorySubjects(CLUSTER).stream, new RowSubjects(CLUSTER).stream];

export async function dumpStreams(url: string): Promise<StreamsDump> {
  const dump: Record<string, Record<string, Bytes>> = {};
  await eachStream(url, async (name, stream) => {
    const records: Record<string, Bytes> = {};
    for (const subject of (await stream.list(">")).toSorted())
      records[subject] = toText(Buffer.from((await stream.read(subject)).bytes!));
    dump[name] = records;
  });
  return dump;
}

export async function restoreStreams(url: string, dump: StreamsDump): Promise<void> {
  await eachStream(url, async (name, stream) => {
    for (const subject of await stream.list(">")) await stream.remove(await stream.read(subject));
    for (const [subject, bytes] of Object.entries(dump[name] ?? {}))
      await stream.put(await stream.read(subject), toBytes(bytes));
  });
}

async function eachStream(
  url: string,
  visit: (name: string, stream: RecordStream) => Promise<void>,
): Promise<void> {
  const options = resolveNatsOptions({ servers: url });
  for (const name of STREAMS) {
    const { stream } = await openStream(options, portEnvironment(), name, { remade: false });
    try {
      await visit(name.name, stream);
    } finally {
      await stream.close();
    }
  }
}
