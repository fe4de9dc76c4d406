// Checks that calls with idempotency keys took effect once per key, however often they were sent.
//   K1. twice: no effect of one key stands twice.          K2. phantom: none stands of a key that was never sent.
//   K3. lost: a key that was answered has an effect.       K4. ghost: one whose every call was not executed has none.
//   K5. two-results: all answers to one key are the same.  K6. wrong-result: they are what the effect left.
// A key whose calls ended unknown may stand or not.
export interface KeyedCall {
  readonly key: string;
  readonly calledMs: number;
  readonly outcome: "ok" | "not-executed" | "threw" | "unknown";
  /** What the call answered, as text; of an "ok" call. */
  readonly result?: string | undefined;
}

export interface OncePerKeyViolation {
  readonly rule: "twice" | "phantom" | "lost" | "ghost" | "two-results" | "wrong-result";
  readonly detail: string;
  /** When the key was first sent; undefined where it never was. */
  readonly calledMs: number | undefined;
}

/** `effects`: the keys whose effects stand at the end, each with the result that its call must have answered. */
export function checkOncePerKey(
  calls: readonly KeyedCall[],
  effects: readonly { readonly key: string; readonly result: string }[],
): readonly OncePerKeyViolation[] {
  const found: OncePerKeyViolation[] = [];
  const sent = new Map<string, KeyedCall[]>();
  for (const call of calls) {
    const known = sent.get(call.key);
    if (known) known.push(call);
    else sent.set(call.key, [call]);
  }
  const standing = new Map<string, string>();
  for (const { key, result } of effects) {
    const calledMs = sent.get(key)?.[0]?.calledMs;
    if (calledMs === undefined)
      found.push({ rule: "phantom", detail: `${key} was never sent`, calledMs });
    if (standing.has(key))
      found.push({ rule: "twice", detail: `the effect of ${key} stands twice`, calledMs });
    else standing.set(key, result);
  }
  for (const [key, ofKey] of sent)
    for (const { rule, detail } of checkKey(key, ofKey, standing.get(key)))
      found.push({ rule, detail, calledMs: ofKey[0]!.calledMs });
  return found;
}

function checkKey(
  key: string,
  calls: readonly KeyedCall[],
  stands: string | undefined,
): readonly Pick<OncePerKeyViolation, "rule" | "detail">[] {
  const answers = new Set(calls.filter(({ outcome }) => outcome === "ok").map((c) => c.result));
  if (answers.size > 1)
    return [{ rule: "two-results", detail: `${key} was answered ${[...answers].join(" and ")}` }];
  const [answer] = answers;
  if (answers.size === 0) {
    const maybe = calls.some(({ outcome }) => outcome === "unknown");
    return stands === undefined || maybe
      ? []
      : [{ rule: "ghost", detail: `${key} was reported as not executed, and its effect stands` }];
  }
  if (stands === undefined)
    return [{ rule: "lost", detail: `${key} was answered ${answer} and has no effect` }];
  return stands === answer
    ? []
    : [{ rule: "wrong-result", detail: `${key} was answered ${answer}; its effect is ${stands}` }];
}
