// A process of its own that holds the embedded stores, for the tests that kill one.
// Says { joined } once it is a member and owns an actor, then { saved } after each acknowledged save, until it is killed.
import { type PortEnvironment, systemClock, systemRandom } from "@tenure/core/internal";
import { embedded } from "@tenure/sqlite";

export const CHILD_CLUSTER = "process-test";
export const CHILD_ACTORS = 20;

export function childEnvironment(): PortEnvironment {
  return {
    cluster: CHILD_CLUSTER,
    clock: systemClock(),
    random: systemRandom(),
    emit: () => {},
    leaseTtlMs: 4_000,
    openTimeoutMs: 5_000,
    durability: "default",
  };
}

export type ChildSays =
  | { readonly kind: "joined"; readonly incarnation: string; readonly token: string }
  | { readonly kind: "saved"; readonly id: string; readonly version: number };

const [, script, dir] = process.argv;
if (script === import.meta.filename && dir !== undefined) await live(dir);

async function live(home: string): Promise<void> {
  const environment = childEnvironment();
  const stores = embedded({ dir: home });
  const directory = await stores.directory.open(environment);
  const storage = await stores.storage.open(environment);
  const incarnation = environment.random.hex128();
  const token = environment.random.hex128();
  await directory.register({
    incarnation,
    name: "child",
    types: {},
    roles: [],
    protocol: 1,
    proposedStoreId: "child's",
    bootstrap: false,
  });
  const actors = Array.from({ length: CHILD_ACTORS }, (_, i) => ({ type: "Cart", id: `${i}` }));
  const claim = { incarnation, expected: "free", floor: 0, reason: "call" } as const;
  await directory.claim([{ ...claim, actor: actors[0]!, token }]);
  say({ kind: "joined", incarnation, token });

  await Promise.all(
    actors.map(async (actor) => {
      const held = { actor, generation: 1, token };
      await storage.load([held]);
      let etag = "";
      for (let version = 1; ; version++) {
        const newEtag = `${actor.id}-${version}`;
        const put = new Map([["state", Buffer.from(`${version}`)]]);
        const save = { ...held, etag, newEtag, put, del: [], due: version };
        const { answer } = await storage.save([save]);
        if (!answer[0]!.ok) throw new Error(`save refused: ${JSON.stringify(answer)}`);
        say({ kind: "saved", id: actor.id, version });
        etag = newEtag;
      }
    }),
  );
}

function say(message: ChildSays): void {
  process.send!(message);
}
