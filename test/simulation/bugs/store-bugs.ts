// Rules that the store upholds, broken in its decisions.
import { type MemberRecord, ownershipRules } from "@tenure/core/internal";
import type { Bug } from "./bug.ts";
import { directoryWith } from "./wrap.ts";

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
    shownBy: 950,
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
  serverSideExpiry(),
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
    rule: "R13",
    shownBy: 493,
    breaks: "an absent entry is trusted whether the directory is open or not",
    amnesia: true,
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideClaim: (view, request) =>
          ownershipRules.decideClaim(
            { ...view, sentinel: { storeId: view.sentinel?.storeId ?? "", open: true } },
            request,
          ),
      }),
    },
  },
  absentIsDead(),
  livingAreSwept(),
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

/** R16: whoever is asked after is taken off the list of members, and for dead. */
function livingAreSwept(): Bug {
  return {
    rule: "R16 (sweep)",
    shownBy: 128,
    breaks: "a silo that lives is swept like a dead one",
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideSweep: (record) =>
          record ? { ok: true, member: record } : ownershipRules.decideSweep(record),
      }),
    },
  };
}

/** R16: whoever has no record is taken for dead at once, by the store and by those who look. */
function absentIsDead(): Bug {
  const dead = (incarnation: string): MemberRecord => {
    const marked = ownershipRules.decideMarkDead(undefined, { incarnation, expectedRev: "absent" });
    if (!marked.ok) throw new Error("a record that is absent can be created as dead");
    return marked.member;
  };
  return {
    rule: "R16",
    breaks: "an owner without a member record is dead at once",
    amnesia: true,
    substitutions: {
      rules: () => ({
        ...ownershipRules,
        decideClaim: (view, request) =>
          ownershipRules.decideClaim(
            { ...view, owner: view.owner ?? (view.entry && dead(view.entry.incarnation)) },
            request,
          ),
      }),
      directory: (provider) => {
        const seen = new Set<string>();
        return directoryWith(provider, (inner) => ({
          members: async () => {
            const { sequence, answer } = await inner.members();
            for (const { incarnation } of answer.members) seen.add(incarnation);
            const here = new Set(answer.members.map(({ incarnation }) => incarnation));
            const gone = [...seen].filter((incarnation) => !here.has(incarnation)).map(dead);
            return { sequence, answer: { ...answer, members: [...answer.members, ...gone] } };
          },
        }));
      },
    },
  };
}

/** R4: what has not been renewed for a while by the server's clock is shown, and treated, as dead. */
function serverSideExpiry(): Bug {
  const expireMs = 4_000;
  let server: { wallMs(): number } | undefined;
  let renewedMs = new Map<string, number>();
  const expired = (member: MemberRecord): boolean => {
    const seenMs = renewedMs.get(member.incarnation);
    return seenMs !== undefined && server !== undefined && server.wallMs() - seenMs > expireMs;
  };
  const asServer = (member: MemberRecord): MemberRecord =>
    expired(member) ? { ...member, state: "dead" } : member;
  return {
    rule: "R4",
    breaks: "the store lets member records expire by its own clock",
    substitutions: {
      rules: (store) => {
        // A new run.
        server = store;
        renewedMs = new Map();
        return {
          ...ownershipRules,
          decideRenew: (record, request) => {
            renewedMs.set(request.incarnation, store.wallMs());
            return ownershipRules.decideRenew(record, request);
          },
          decideClaim: (view, request) =>
            ownershipRules.decideClaim(
              { ...view, owner: view.owner && asServer(view.owner) },
              request,
            ),
        };
      },
      directory: (provider) =>
        directoryWith(provider, (inner) => ({
          members: async () => {
            const { sequence, answer } = await inner.members();
            return { sequence, answer: { ...answer, members: answer.members.map(asServer) } };
          },
        })),
    },
  };
}
