// Rules that the store upholds, broken in its decisions.
import { ownershipRules } from "@tenure/core/internal";
import type { Bug } from "./bug.ts";

export const STORE_BUGS: readonly Bug[] = [
  {
    rule: "R1+R15",
    breaks: "generations repeat, and a row is checked by its generation alone",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideClaim: (view, request) => {
          const decision = ownershipRules.decideClaim(view, request);
          const { answer, entry } = decision;
          if (!answer.ok || !entry) return decision;
          const generation = Math.max(1, view.entry?.generation ?? 0);
          return {
            ...decision,
            answer: { ...answer, generation },
            entry: { ...entry, generation },
          };
        },
        decideLoad: (row, request) =>
          ownershipRules.decideLoad(row && { ...row, token: request.token }, request),
        decideSave: (row, request) =>
          ownershipRules.decideSave(row && { ...row, token: request.token }, request),
      }),
    },
  },
  {
    rule: "R1 (etag)",
    breaks: "a save is accepted whatever it was computed from",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideSave: (row, request) =>
          ownershipRules.decideSave(
            row && row.etag !== request.newEtag ? { ...row, etag: request.etag } : row,
            request,
          ),
      }),
    },
  },
  {
    rule: "R2",
    breaks: "a claim that has seen some owner dead takes the actor from whoever has it now",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideClaim: (view, request) => {
          const { entry } = view;
          if (!entry || entry.free || request.expected === "free")
            return ownershipRules.decideClaim(view, request);
          return ownershipRules.decideClaim(
            { ...view, owner: view.owner && { ...view.owner, state: "dead" } },
            { ...request, expected: { token: entry.token } },
          );
        },
      }),
    },
  },
  {
    rule: "R3",
    breaks: "a death is marked whatever rev was watched",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideMarkDead: (record, request) =>
          ownershipRules.decideMarkDead(record, {
            ...request,
            expectedRev: record?.rev ?? request.expectedRev,
          }),
      }),
    },
  },
  {
    rule: "R3 (dead is for ever)",
    breaks: "a renewal brings a dead record back to life",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideRenew: (record, request) =>
          ownershipRules.decideRenew(
            record?.state === "dead"
              ? { ...record, state: "alive", rev: request.expectedRev }
              : record,
            request,
          ),
      }),
    },
  },
  {
    rule: "R4",
    breaks: "the store lets records expire by its own clock",
    substitutions: {
      rules: (store) => {
        const renewedMs = new Map<string, number>();
        return {
          ...ownershipRules,
          decideRenew: (record, request) => {
            renewedMs.set(request.incarnation, store.wallMs());
            return ownershipRules.decideRenew(record, request);
          },
          decideClaim: (view, request) => {
            const { owner } = view;
            const seenMs = owner && renewedMs.get(owner.incarnation);
            const expired = seenMs !== undefined && store.wallMs() - seenMs > 4_000;
            return ownershipRules.decideClaim(
              owner && expired ? { ...view, owner: { ...owner, state: "dead" } } : view,
              request,
            );
          },
        };
      },
    },
  },
  {
    rule: "R8",
    breaks: "a save that was applied already is a conflict when it comes again",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideSave: (row, request) =>
          row && row.etag === request.newEtag
            ? { answer: { ok: false, refusal: "conflict", etag: row.etag } }
            : ownershipRules.decideSave(row, request),
      }),
    },
  },
  {
    rule: "R9",
    breaks: "load leaves an absent row absent, and save creates it",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        // A store writes no row for a load that it holds already.
        decideVerify: (row, request) =>
          row === undefined || ownershipRules.decideVerify(row, request),
        decideSave: (row, request) => {
          if (row) return ownershipRules.decideSave(row, request);
          const { generation, token, newEtag, due } = request;
          return {
            answer: { ok: true },
            meta: { format: 1, generation, token, etag: newEtag, version: 1, due },
          };
        },
      }),
    },
  },
  {
    rule: "R15",
    breaks: "a free entry starts its generations again",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideClaim: (view, request) =>
          ownershipRules.decideClaim(
            view.entry?.free
              ? { ...view, counter: 0, entry: { ...view.entry, generation: 0 } }
              : view,
            { ...request, floor: 0 },
          ),
      }),
    },
  },
  {
    rule: "R18",
    breaks: "the dead may claim",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideClaim: (view, request) => {
          const { claimant } = view;
          return ownershipRules.decideClaim(
            claimant ? { ...view, claimant: { ...claimant, state: "alive" } } : view,
            request,
          );
        },
      }),
    },
  },
];
