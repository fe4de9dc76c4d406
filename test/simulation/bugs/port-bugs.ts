// Rules that hold between a silo and its ports, broken by a port that stands in between.
import {
  type ActorAddress,
  formatActor,
  isResultPart,
  ownershipRules,
  type SaveAnswer,
  type SaveRequest,
} from "@tenure/core/internal";
import { runtimeRules } from "@tenure/runtime/internal";
import type { Bug } from "./bug.ts";
import { directoryWith, storageWith } from "./wrap.ts";

export const PORT_BUGS: readonly Bug[] = [
  {
    rule: "R7",
    breaks: "a save without an answer counts as one that was not applied",
    substitutions: saving(async (request, save) => {
      try {
        return await save(request);
      } catch {
        return { ok: false, refusal: "conflict", etag: "" };
      }
    }),
  },
  {
    rule: "R10",
    breaks: "keys and state are saved one after the other, the keys first",
    substitutions: saving((request, save) => inTwo(request, save, isKey)),
  },
  {
    rule: "R11",
    breaks: "a silo has one token per actor, whichever activation it is for",
    substitutions: {
      // A token that comes again would be refused as a late duplicate: that is off with it.
      rules: () => ({
        ...ownershipRules,
        decideClaim: (view, request) =>
          ownershipRules.decideClaim(
            view.entry ? { ...view, entry: { ...view.entry, claims: [] } } : view,
            request,
          ),
      }),
      directory: (provider, node) =>
        directoryWith(provider, (inner) => ({
          claim: (requests) => inner.claim(requests.map((request) => ownToken(node, request))),
          release: (requests) => inner.release(requests.map((request) => ownToken(node, request))),
        })),
      storage: (provider, node) =>
        storageWith(provider, (inner) => ({
          load: (requests) => inner.load(requests.map((request) => ownToken(node, request))),
          save: (requests) => inner.save(requests.map((request) => ownToken(node, request))),
        })),
    },
  },
  {
    rule: "R13 (bootstrap)",
    shownBy: 493,
    breaks: "every registration declares the directory new, also that of a silo that joins again",
    amnesia: true,
    substitutions: {
      directory: (provider) =>
        directoryWith(provider, (inner) => ({
          register: (request) => inner.register({ ...request, bootstrap: true }),
        })),
    },
  },
  {
    rule: "R17",
    breaks: "a save is confirmed before the store has it",
    substitutions: saving((request, save) => {
      save(request).catch(() => undefined);
      return Promise.resolve({ ok: true });
    }),
  },
  {
    rule: "R19",
    shownBy: 108,
    breaks: "a silo's address is its name: a restart inherits what its last run had",
    substitutions: {
      platform: ({ clock, random, ...rest }, node) => {
        let first = true;
        return {
          ...rest,
          clock,
          random: {
            ...random,
            hex128: () => {
              if (!first) return random.hex128();
              first = false;
              return Buffer.from(node.name.padEnd(16, "-")).toString("hex").slice(0, 32);
            },
          },
        };
      },
    },
  },
  {
    rule: "R23",
    breaks: "a call's effect and its key are saved one after the other",
    substitutions: saving((request, save) => inTwo(request, save, (name) => !isKey(name))),
  },
  {
    // Alone it is masked (not found in 2,000 seeds): whoever was fenced by another silo's load has no lease by then and
    // answers nobody (R6), and within one silo nothing loads beside an activation that lives (R12). So the lease is off, too.
    rule: "R25+R6",
    breaks: "an activation that was fenced goes on, and answers",
    substitutions: {
      ...saving(async (request, save) => {
        const answer = await save(request);
        return answer.ok || answer.refusal !== "fenced" ? answer : { ok: true };
      }),
      platform: (platform) => ({
        ...platform,
        rules: { ...runtimeRules, leaseState: () => "holds" },
      }),
    },
  },
];

type Save = (request: SaveRequest) => Promise<SaveAnswer>;

/** A storage whose saves go another way. */
function saving(
  way: (request: SaveRequest, save: Save) => Promise<SaveAnswer>,
): Bug["substitutions"] {
  return {
    storage: (provider) =>
      storageWith(provider, (inner) => {
        const save: Save = async (request) => (await inner.save([request])).answer[0]!;
        return {
          save: async (requests) => ({
            sequence: 0,
            answer: await Promise.all(requests.map((request) => way(request, save))),
          }),
        };
      }),
  };
}

/** A save as two: first the parts that `early` accepts, then the others. */
async function inTwo(
  request: SaveRequest,
  save: Save,
  early: (name: string) => boolean,
): Promise<SaveAnswer> {
  const parts = [...request.put];
  const first = new Map(parts.filter(([name]) => early(name)));
  const second = new Map(parts.filter(([name]) => !early(name)));
  if (first.size === 0 || second.size === 0) return await save(request);
  const between = `${request.newEtag}-`;
  const answer = await save({ ...request, put: first, newEtag: between });
  // A resend may find all of it there.
  if (!answer.ok)
    return answer.refusal === "conflict" && answer.etag === request.newEtag ? { ok: true } : answer;
  return await save({ ...request, put: second, etag: between });
}

function isKey(name: string): boolean {
  return isResultPart(name);
}

function ownToken<R extends { readonly actor: ActorAddress; readonly token: string }>(
  silo: { readonly name: string },
  request: R,
): R {
  return { ...request, token: `${silo.name}:${formatActor(request.actor)}` };
}
