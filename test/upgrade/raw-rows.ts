// Rows as a storage hands them out, as text: what is in them is the same whatever store holds them.
import type { ActorAddress, RowMeta, Storage, StorageProvider } from "@tenure/core/internal";
import { portEnvironment } from "./port-environment.ts";

export interface RawRow {
  readonly actor: ActorAddress;
  /** What reading it does not change. */
  readonly meta: Pick<RowMeta, "format" | "version" | "due">;
  /** By name, base64. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Reads rows as their next owner would. */
export async function takeRows(
  provider: StorageProvider,
  actors: readonly ActorAddress[],
): Promise<readonly RawRow[]> {
  const storage = await provider.open(portEnvironment());
  const rows: RawRow[] = [];
  for (const actor of actors) {
    const claim = { actor, generation: Number.MAX_SAFE_INTEGER, token: "fixture" };
    const [answer] = (await storage.load([claim])).answer;
    if (!answer?.ok) throw new Error(`${actor.id} cannot be loaded: ${JSON.stringify(answer)}`);
    const { meta, parts } = answer.row;
    const whole = await storage.parts({ actor, names: [...parts.keys()] });
    const text = [...whole].map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]);
    const { format, version, due } = meta;
    rows.push({
      actor,
      meta: { format, version, due },
      parts: Object.fromEntries(text) as Record<string, string>,
    });
  }
  await storage.close();
  return rows;
}

/** Puts the parts of rows into a storage that has none of them. */
export async function putRows(provider: StorageProvider, rows: readonly RawRow[]): Promise<void> {
  const storage: Storage = await provider.open(portEnvironment());
  for (const { actor, parts } of rows) {
    const claim = { actor, generation: 1, token: "fixture" };
    await storage.load([claim]);
    const put = new Map(
      Object.entries(parts).map(([name, text]) => [name, Buffer.from(text, "base64")]),
    );
    const save = { ...claim, etag: "", newEtag: "fixture", put, del: [], due: undefined };
    const [saved] = (await storage.save([save])).answer;
    if (!saved?.ok) throw new Error(`${actor.id} cannot be saved: ${JSON.stringify(saved)}`);
  }
  await storage.close();
}
