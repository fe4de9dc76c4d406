// Rules that a silo upholds, broken in the decisions that it is given.
import type { ClaimAnswer, MemberRecord } from "@tenure/core/internal";
import { type RuntimeRules, runtimeRules } from "@tenure/runtime/internal";
import type { Substitutions } from "@tenure/testing/simulation";
import type { Bug } from "./bug.ts";
import { directoryWith } from "./wrap.ts";

function deciding(rules: Partial<RuntimeRules>): Substitutions {
  return { platform: (platform) => ({ ...platform, rules: { ...runtimeRules, ...rules } }) };
}

const { afterFailure, leaseState, leaseTiming, mayActivate } = runtimeRules;

export const RUNTIME_BUGS: readonly Bug[] = [
  {
    rule: "R3 (watching)",
    breaks: "an observer calls a silo dead after less than its lease",
    substitutions: deciding({
      leaseTiming: (ttlMs) => ({ ...leaseTiming(ttlMs), watchMs: ttlMs * 0.55 }),
    }),
  },
  {
    rule: "R5",
    shownBy: 88,
    breaks: "a lease is measured by a clock that stops while the machine is suspended",
    substitutions: {
      platform: ({ clock, random }) => ({
        random,
        clock: { ...clock, elapsedMs: (start) => clock.monotonicMs() - start.monotonicMs },
        // L3 masks it: the wall clock goes on. Both are off.
        rules: {
          ...runtimeRules,
          leaseState: (passed, timing) =>
            leaseState({ ...passed, wallMs: passed.elapsedMs }, timing),
        },
      }),
    },
  },
  {
    rule: "R6",
    breaks: "a lease that was held once is held until somebody says otherwise",
    substitutions: deciding({ leaseState: () => "holds" }),
  },
  {
    rule: "R12 (one slot)",
    breaks: "two first calls in one tick start two activations",
    substitutions: deciding({
      mayActivate: (holder) => holder === "starting" || mayActivate(holder),
    }),
  },
  {
    rule: "R12 (deactivating)",
    breaks: "a call during deactivation starts a new activation beside the old one",
    substitutions: deciding({
      mayActivate: (holder) => holder === "deactivating" || mayActivate(holder),
    }),
  },
  {
    rule: "R14",
    shownBy: 80,
    breaks: "a silo does not notice that the directory lost its claims",
    amnesia: true,
    substitutions: deciding({ wentBack: () => false }),
  },
  {
    rule: "R20",
    breaks: "a call is repeated after an outcome that is unknown",
    substitutions: deciding({
      afterFailure: (failure, call, chance) =>
        afterFailure(failure, { ...call, repeatable: true }, chance),
    }),
  },
  {
    rule: "R21",
    breaks: "a repeated key starts beside the call that it repeats",
    substitutions: deciding({ mayStart: () => true }),
  },
  {
    rule: "R22",
    breaks: "keys are forgotten before their retention is over",
    substitutions: deciding({ keyRetentionMs: 1 }),
  },
  {
    rule: "R24",
    shownBy: 167,
    breaks: "whatever is lost is answered as not executed",
    substitutions: deciding({
      lossResult: () => ({
        status: "refused",
        reason: "moved",
        message: "lost",
        owner: undefined,
        generation: 0,
      }),
    }),
  },
  {
    // The store masks it: a redirect names the owner as a claim's refusal showed it, so that redirects converge without a
    // limit. Both are off: refusals name some other silo.
    rule: "R26+evidence",
    breaks: "redirects name anybody, and each is followed at once, however old its evidence",
    substitutions: {
      ...deciding({
        afterFailure: (failure, call, chance) =>
          failure.status === "refused" && failure.reason === "moved" && failure.owner !== undefined
            ? { kind: "redirect", to: failure.owner, generation: failure.generation }
            : afterFailure(failure, call, chance),
      }),
      directory: (provider, node) =>
        directoryWith(provider, (inner) => {
          let alive: readonly MemberRecord[] = [];
          const wrong = (answer: ClaimAnswer): ClaimAnswer => {
            if (answer.ok || answer.refusal !== "owned") return answer;
            const { entry } = answer;
            // A dead owner must still be seen as one, or nothing works at all.
            if (!alive.some(({ incarnation }) => incarnation === entry.incarnation)) return answer;
            const other = alive.find(
              ({ incarnation, name }) => incarnation !== entry.incarnation && name !== node.name,
            );
            return other
              ? { ...answer, entry: { ...entry, incarnation: other.incarnation } }
              : answer;
          };
          return {
            members: async () => {
              const answered = await inner.members();
              alive = answered.answer.members.filter(({ state }) => state === "alive");
              return answered;
            },
            claim: async (requests) => {
              const { sequence, answer } = await inner.claim(requests);
              return { sequence, answer: answer.map(wrong) };
            },
          };
        }),
    },
  },
  {
    rule: "R27",
    breaks: "a refused call is sent again at once, as often as it is refused",
    substitutions: deciding({
      afterFailure: (failure, call, chance) => {
        const verdict = afterFailure(failure, call, chance);
        return verdict.kind === "retry" ? { kind: "retry", afterMs: 0.5 } : verdict;
      },
    }),
  },
  {
    rule: "R27 (budget)",
    breaks: "every refused call is sent again, however many there are",
    substitutions: deciding({ mayRetry: () => true }),
    workload: "crowd",
  },
];
