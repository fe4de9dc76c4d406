// One-line breaks, at least one for each promise of docs/GUARANTEES.md: what a test must notice.

export interface Break {
  /** The section of GUARANTEES.md: an invariant, or one of the README's words. */
  readonly promise: string;
  /** What is broken, in a sentence. */
  readonly breaks: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly line: string;
  readonly becomes: string;
  /** The test that goes red: its title as in GUARANTEES.md, and the file in which it runs. */
  readonly title: string;
  readonly test: string;
}

const RULES = "packages/core/src/ownership-rules.ts";
const MEMORY = "test/conformance/memory.test.ts";

export const BREAKS: readonly Break[] = [
  {
    promise: "One turn at a time",
    breaks: "a write starts beside a read",
    file: "packages/runtime/src/activation/admission.ts",
    line: "return running.write === 0 && running.read === 0;",
    becomes: "return running.write === 0;",
    title: "reads run beside each other and never beside a write, in the order of arrival",
    test: "test/scenarios/turns.test.ts",
  },
  {
    promise: "I1",
    breaks: "a save is accepted with another claim's token",
    file: RULES,
    line: "if (!row || row.generation !== request.generation || row.token !== request.token)",
    becomes: "if (!row || row.generation !== request.generation)",
    title: "of two claims of one generation the token decides (R1, H2)",
    test: MEMORY,
  },
  {
    promise: "I2",
    breaks: "a save is accepted whatever it was computed from",
    file: RULES,
    line: "if (row.etag !== request.etag)",
    becomes: "if (row.etag === undefined)",
    title: "a save replaces exactly the row that it was computed from (S1, I2)",
    test: MEMORY,
  },
  {
    promise: "I3",
    breaks: "an activation whose load was refused goes on without its state",
    file: "packages/runtime/src/activation/start-activation.ts",
    line: `return { kind: "unavailable", why: error instanceof Error ? error.message : String(error) };`,
    becomes: `return { kind: "owned", claim, row: undefined };`,
    title: "an actor that cannot be loaded is not executed, and is served when the store is back",
    test: "test/scenarios/commits.test.ts",
  },
  {
    promise: "I4",
    breaks: "a silo serves for longer than its lease",
    file: "packages/directory/src/lease.ts",
    line: "serveMs: ttlMs * (1 - CLOCK_DRIFT) - marginMs,",
    becomes: "serveMs: ttlMs * 2,",
    title:
      "with a lease of %i ms the owner has stopped before an observer may call it dead, whatever their clocks (L1, L2)",
    test: "packages/directory/src/lease.test.ts",
  },
  {
    promise: "I5",
    breaks: "a dead incarnation renews",
    file: RULES,
    line: `if (record.state === "dead") return { ok: false, refusal: "dead", member: record };`,
    becomes: "",
    title: "a dead incarnation cannot renew, at any rev (R3, I5)",
    test: MEMORY,
  },
  {
    promise: "I6",
    breaks: "a claim takes an actor from a living owner",
    file: RULES,
    line: `if (view.owner.state !== "dead") return refuse({ ok: false, refusal: "owned", entry });`,
    becomes: "",
    title:
      "ownership moves only from nobody, from oneself or from the named dead, to the living (O2, I6)",
    test: "packages/core/src/ownership-rules.property.test.ts",
  },
  {
    promise: "I7",
    breaks: "generations are counted per actor alone, whatever the claimant has seen",
    file: RULES,
    line: "const generation = Math.max(view.counter, entry?.generation ?? 0, request.floor) + 1;",
    becomes: "const generation = (entry?.generation ?? 0) + 1;",
    title: "each grant is above its floor and above every grant before it (O3, R15)",
    test: "packages/core/src/ownership-rules.property.test.ts",
  },
  {
    promise: "I8",
    breaks: "a loss goes unnoticed where a later write took the place of what was lost",
    file: "packages/directory/src/rollback-watch.ts",
    line: "const least = this.#places.has(place) ? place + 1 : acknowledgedAtSend + 1;",
    becomes: "const least = acknowledgedAtSend + 1;",
    title:
      "in any course of claims and renewals a loss of acknowledged claims is noticed once all are decided, and where nothing acknowledged was lost, nothing is (B1, B2, B3)",
    test: "packages/directory/src/rollback-watch.test.ts",
  },
  {
    promise: "I9",
    breaks: "a reply leaves before its commit",
    file: "packages/runtime/src/activation/serving.ts",
    line: "if (!strict && outcome.barrier === undefined && gateOpen(this.#host, nowMs)) {",
    becomes: "if (!strict && gateOpen(this.#host, nowMs)) {",
    title: "a reply leaves only after the commit (I9)",
    test: "test/scenarios/commits.test.ts",
  },
  {
    promise: "I10",
    breaks: "a known key runs again",
    file: "packages/runtime/src/activation/idempotency.ts",
    line: `return { kind: "recorded", bytes: record.bytes };`,
    becomes: `return { kind: "new", digest };`,
    title: "a repeat gets the recorded result and runs nothing (Y2)",
    test: "test/scenarios/idempotency.test.ts",
  },
  {
    promise: "I11",
    breaks: "a call on a silo that crashed is answered as not executed",
    file: "packages/client/src/retry-policy.ts",
    line: `failure.status === "silo-died" ||`,
    becomes: "",
    title:
      "calls on a silo that crashes fail when its death is announced, as unknown, long before their timeout",
    test: "test/scenarios/ownership-handover.test.ts",
  },
  {
    promise: "I12",
    breaks: "a mailbox takes any number of calls",
    file: "packages/runtime/src/activation/mailbox.ts",
    line: "if (this.size >= this.#capacity) return false;",
    becomes: "",
    title: "a full mailbox refuses one more call, typed, and serves the others (M2)",
    test: "test/scenarios/turns.test.ts",
  },
  {
    promise: "I13",
    breaks: "a silo watches its own last incarnation like a stranger's",
    file: "packages/directory/src/registration.ts",
    line: "answer.holder.incarnation === options.previous",
    becomes: "answer.holder.name === undefined",
    title: "a silo's own last incarnation needs no watching (G2)",
    test: "packages/directory/src/registration.test.ts",
  },
  {
    promise: "I13",
    breaks: "a client that misses an announcement of a death waits for the end of its calls' time",
    file: "packages/client/src/suspicions.ts",
    line: "if (again) this.#host.ask(silo);",
    becomes: "",
    title:
      "a client that missed the announcement of a death asks, and its calls there end long before their time (U1, U2)",
    test: "test/scenarios/ownership-handover.test.ts",
  },
  {
    promise: "I14",
    breaks: "a silo of another protocol joins",
    file: RULES,
    line: `if (foreign) return { ok: false, refusal: "protocol", holder: foreign };`,
    becomes: "",
    title: "a silo of another protocol is refused while one of ours lives (I14)",
    test: MEMORY,
  },
  {
    promise: "Calls",
    breaks: "nobody is told that a call was given up",
    file: "packages/client/src/departures.ts",
    line: "attachment?.endpoint.send(to, message);",
    becomes: "",
    title:
      "a call that waits at %s leaves its mailbox when its caller gives it up: nothing of it runs, and its place is free",
    test: "test/scenarios/cancellation.test.ts",
  },
  {
    promise: "Calls",
    breaks: "anybody may give up another's call",
    file: "packages/runtime/src/activation/turn-runner.ts",
    line: "if (turn?.from === from) turn.signal.cancel();",
    becomes: "turn?.signal.cancel();",
    title:
      "a cancellation that comes too early, too late, twice, from another or for nothing does nothing (V7)",
    test: "test/scenarios/cancellation.test.ts",
  },
  {
    promise: "Calls",
    breaks: "a crowd of calls starts in the turn of the event loop in which it comes",
    file: "packages/runtime/src/messaging/intake.ts",
    line: "if (spentMs < SLICE_MS) {",
    becomes: "if (spentMs < Infinity) {",
    title:
      "calls that cost much start for a slice of a turn of the event loop, and the rest in order in the next ones (IN1, IN2)",
    test: "packages/runtime/src/messaging/intake.test.ts",
  },
  {
    promise: "Calls",
    breaks: "a signal is made for every call",
    file: "packages/runtime/src/activation/make-turn.ts",
    line: "this.#signal?.end();",
    becomes: "this.signal.signal.throwIfAborted();",
    title: "a signal that nobody looks at costs no AbortController",
    test: "test/scenarios/cancellation.test.ts",
  },
  {
    promise: "Calls",
    breaks: "under 'chain' a call that comes back is a deadlock",
    file: "packages/runtime/src/activation/admission.ts",
    line: `if (inTheWay.length > 0 && reentrancy === "detect") return "deadlock";`,
    becomes: `if (inTheWay.length > 0) return "deadlock";`,
    title: "under 'chain' a call that comes back is let in, and sees and changes the state so far",
    test: "test/scenarios/reentrancy.test.ts",
  },
  {
    promise: "Calls",
    breaks: "under 'chain' a call that comes back is let in by a turn with a key",
    file: "packages/runtime/src/activation/admission.ts",
    line: `if (inTheWay.some((turn) => turn.lane !== undefined)) return "deadlock-keyed";`,
    becomes: "",
    title:
      "a turn with an idempotency key lets nothing in: the call back is a deadlock that says why",
    test: "test/scenarios/reentrancy.test.ts",
  },
  {
    promise: "Calls",
    breaks: "an outer turn does not wait for its inner ones",
    file: "packages/runtime/src/activation/inner-turns.ts",
    line: "while (inner.size > 0) await Promise.all(inner);",
    becomes: "inner.values();",
    title:
      "an outer turn that does not wait for its inner one ends after it all the same, and takes back nothing of it",
    test: "test/scenarios/reentrancy.test.ts",
  },
  {
    promise: "Calls",
    breaks: "what an error loses on its way is left out in silence",
    file: "packages/core/src/wire-error.ts",
    line: "if (record.lost) define(error, NOT_SERIALIZED, lostOf(record), true);",
    becomes: "",
    title: "%s arrives as it was thrown, over one hop and over two",
    test: "packages/core/src/wire-error.test.ts",
  },
  {
    promise: "Calls",
    breaks: "a call does not carry its turn's headers",
    file: "packages/runtime/src/activation/outgoing-calls.ts",
    line: "headers: turn?.call.headers,",
    becomes: "headers: undefined,",
    title: "headers reach the callee, and every call that follows from it, over silos",
    test: "test/scenarios/headers.test.ts",
  },
  {
    promise: "Calls",
    breaks: "a method that threw keeps its changes when an interceptor goes on",
    file: "packages/runtime/src/activation/intercepted-method.ts",
    line: "if (isRunning()) method.undo(); // I2",
    becomes: "",
    title:
      "a method that threw has changed nothing, also when an interceptor makes an answer of it",
    test: "test/scenarios/interceptors.test.ts",
  },
  {
    promise: "Calls",
    breaks: "a call overtakes an earlier one whose interceptors take longer",
    file: "packages/client/src/intercepted-calls.ts",
    line: "if (passed) {",
    becomes: "if (calls > 0) {",
    title:
      "a caller's calls leave in the order in which it made them, whatever their interceptors wait for (V2)",
    test: "test/scenarios/interceptors.test.ts",
  },
  {
    promise: "Calls",
    breaks: "an authorize that forgets to answer lets calls in",
    file: "packages/runtime/src/messaging/authorization.ts",
    line: "if (!isThenable(answer) && answer !== true) {",
    becomes: "if (!isThenable(answer) && answer === false) {",
    title: "when authorize %s the call fails, not executed, and nothing is activated",
    test: "test/scenarios/authorize.test.ts",
  },
  {
    promise: "Classes",
    breaks: "a method begins although its time was up while its schema checked",
    file: "packages/runtime/src/activation/turn-runner.ts",
    line: "if (refusal) return done(refusal);",
    becomes: "",
    title: "a call whose time is up while its schema checks does not begin any more (R20)",
    test: "test/scenarios/argument-schemas.test.ts",
  },
  {
    promise: "Classes",
    breaks: "stored state is taken as it is, whatever its schema says",
    file: "packages/runtime/src/activation/open-state.ts",
    line: "if (!checked.ok)",
    becomes: "if (checked === undefined)",
    title:
      "what the schema refuses fails the activation, named by key and path, and stays in the store as it is (J2)",
    test: "test/scenarios/state-schemas.test.ts",
  },
  {
    promise: "Classes",
    breaks: "a silo without the class sends calls to any silo that has it",
    file: "packages/runtime/src/cluster/silo-locator.ts",
    line: `if (kinds.has(actor.type)) return { status: "at", silo: placed.silo, generation };`,
    becomes: `return { status: "at", silo: placed.silo, generation };`,
    title:
      "a placement function decides for every caller, also for those that do not have the class",
    test: "test/scenarios/placement.test.ts",
  },
  {
    promise: "Classes",
    breaks: "a pool makes an activation for every call",
    file: "packages/runtime/src/catalog/stateless-pool.ts",
    line: "if (this.#activations.size >= this.#max) return undefined;",
    becomes: "",
    title:
      "at most max activations work at a time, each on one call, and the queue is served in order (S1, S2)",
    test: "test/scenarios/stateless.test.ts",
  },
  {
    promise: "Classes",
    breaks: "anybody can have an actor ended or moved",
    file: "packages/runtime/src/admin/administration.ts",
    line: ": (await this.#isMember(from))",
    becomes: `: from !== ""`,
    title: "an endpoint that is no silo of the cluster moves nothing (W2)",
    test: "test/scenarios/admin.test.ts",
  },
  {
    promise: "Classes",
    breaks: "a silo reads state of a newer version as if it were its own",
    file: "packages/runtime/src/activation/newer-code.ts",
    line: `return header.kind === "known" && header.version > version`,
    becomes: `return header.kind === "known" && header.version > version + 1_000`,
    title:
      "a silo that meets state of a newer version gives the actor up, and its callers are served by a silo that knows it",
    test: "test/scenarios/versions.test.ts",
  },
  {
    promise: "Classes",
    breaks: "what was migrated is stored though nothing was written",
    file: "packages/runtime/src/activation/state-cell.ts",
    line: "cell.#stored = Buffer.compare(cell.#committed, stored) === 0;",
    becomes: "cell.#stored = true;",
    title: "state of an older version goes through migrate, and is stored with the first write",
    test: "test/scenarios/versions.test.ts",
  },
  {
    promise: "Classes",
    breaks: "a draining silo hands its actors to anybody who has the class",
    file: "packages/runtime/src/cluster/silo-locator.ts",
    line: "others.length > 0 ? others : this.#others(actor, 1)",
    becomes: "this.#others(actor, 1)",
    title: "a draining silo hands its actors to silos that know their version, where there are any",
    test: "test/scenarios/versions.test.ts",
  },
  {
    promise: "Classes",
    breaks: "a call that was sent wrong three times is never sent on again",
    file: "packages/client/src/retries.ts",
    line: "call.hops = 0;",
    becomes: "",
    title:
      "a silo that was told of a deployment too late is sent on again, however often it was sent wrong before (R26)",
    test: "test/scenarios/versions.test.ts",
  },
  {
    promise: "Stored state",
    breaks: "what is one object twice in a state is stored as two",
    file: "packages/core/src/codec.ts",
    line: "structuredClone: true,",
    becomes: "structuredClone: false,",
    title:
      "over %s every value that a state may hold comes back to the next activation: equal, and what was one object is one",
    test: "test/scenarios/state-values.test.ts",
  },
  {
    promise: "Stored state",
    breaks: "a state may have any size",
    file: "packages/runtime/src/activation/state-cell.ts",
    line: "if (bytes > limit)",
    becomes: "if (bytes > limit && limit === 0)",
    title: "of turns that share a save the one that is too large fails alone",
    test: "test/scenarios/state-limit.test.ts",
  },
  {
    promise: "Stored state",
    breaks: "a file of an older schema is opened as it is",
    file: "packages/sqlite/src/database-file.ts",
    line: "else upgrade(database, version);",
    becomes: "",
    title: "an embedded store of %s opens, and shows what was stored in it",
    test: "test/upgrade/upgrade.test.ts",
  },
  {
    promise: "Stored state",
    breaks: "a load that is not answered is waited for for ever",
    file: "packages/runtime/src/activation/row-store.ts",
    line: `async (batch) => (await bounded(clock, operationMs, "load", storage.load(batch))).answer,`,
    becomes: "async (batch) => (await storage.load(batch)).answer,",
    title:
      "when asked to %s the store %s: every call ends typed and in time, what was acknowledged is there, and all heals",
    test: "test/scenarios/bad-stores.test.ts",
  },
  {
    promise: "Stored state",
    breaks: "a first byte that is no format of ours is not looked at",
    file: "packages/runtime/src/activation/state-format.ts",
    line: "if (format !== STATE_FORMAT || high === undefined || low === undefined)",
    becomes: "if (high === undefined || low === undefined)",
    title:
      "stored state that is %s fails its actor's calls, not executed, names the key, and stays as it is",
    test: "test/scenarios/damaged-state.test.ts",
  },
];
