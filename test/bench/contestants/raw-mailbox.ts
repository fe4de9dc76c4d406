// By hand: actors of one process behind mailboxes. Arguments and results go by reference, or as a copy that msgpackr makes.
import { Packr } from "msgpackr";
import { closedLoop, type Load, type Ran, sumOf } from "../closed-loop.ts";
import { mustEqual, serve } from "../contestant.ts";
import { payload, type Payload } from "../payload.ts";

const ACTORS = 1_000;
const IDS = Array.from({ length: ACTORS }, (_, i) => `porter-${i}`);

class Actor {
  calls = 0;
  sum = 0;
  add(n: number): number {
    this.calls += 1;
    this.sum += n;
    return n;
  }
  carry(load: Payload): Payload {
    this.calls += 1;
    this.sum += load.n;
    return load;
  }
}

type MethodName = "add" | "carry";
type Method = (this: Actor, ...args: unknown[]) => unknown;

interface Waiting {
  readonly method: MethodName;
  readonly args: readonly unknown[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls run one after another, in the order in which they came. */
class Mailbox {
  readonly actor = new Actor();
  readonly #waiting: Waiting[] = [];
  #running = false;

  offer(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (!this.#running) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { method, args, resolve, reject } = next;
      try {
        resolve(await (this.actor[method] as Method).apply(this.actor, args as unknown[]));
      } catch (error) {
        reject(error);
      }
    }
    this.#running = false;
  }
}

const mailboxes = new Map(IDS.map((id) => [id, new Mailbox()]));

/** An actor by its id, a method by its name: what any caller of actors has. */
function call(id: string, method: MethodName, args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    mailboxes.get(id)!.offer({ method, args, resolve, reject });
  });
}

const packr = new Packr({ structuredClone: true });
const copied = (load: Payload): Payload => packr.unpack(packr.pack(load)) as Payload;

let made = 0;

async function run(load: Load, one: (id: string, n: number) => Promise<unknown>): Promise<Ran> {
  const ran = await closedLoop({ ...load, actors: ACTORS }, made, (actor, n) =>
    one(IDS[actor]!, n),
  );
  made += ran.calls;
  return ran;
}

serve({
  primitives: (load: Load) => run(load, (id, n) => call(id, "add", [n % 1_000])),
  reference: (load: Load) => run(load, (id, n) => call(id, "carry", [payload(n % 1_000)])),
  copy: (load: Load) =>
    run(load, async (id, n) =>
      copied((await call(id, "carry", [copied(payload(n % 1_000))])) as Payload),
    ),
  check: () => {
    const actors = [...mailboxes.values()].map(({ actor }) => actor);
    mustEqual(
      "calls",
      actors.reduce((all, { calls }) => all + calls, 0),
      made,
    );
    mustEqual(
      "sum",
      actors.reduce((all, { sum }) => all + sum, 0),
      sumOf(made),
    );
  },
});
