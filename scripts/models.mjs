// What is to be checked of a model in docs/protocol/model, and what a run of it said. Pure; check-models.mjs runs them.

/** The properties, scenes and broken twins that a model declares: `#define NAME 1`, numbers from 100 on are scenes. */
export function declaredIn(text) {
  const numbered = Array.from(
    text.matchAll(/^#define ([A-Z][A-Z0-9_]*) (\d+)\s*\/\* (.+?) \*\/$/gm),
    ([, name, number, says]) => ({ name, number: Number(number), says }),
  ).filter(({ name }) => /^(SCENE|[IR]\d+)_/.test(name));
  return {
    properties: numbered.filter(({ number }) => number < 100),
    scenes: numbered.filter(({ number }) => number >= 100),
    twins: [
      ...new Set(Array.from(text.matchAll(/^#ifn?def (TWIN_[A-Z_]+)$/gm), ([, name]) => name)),
    ],
  };
}

/**
 * The runs of a model: in each of its sizes it holds; each scene is reached in one of them, so that the properties do not hold
 * for want of anything happening; each twin breaks a property in one of them.
 */
export function runsOf({ name: model, text, sizes }) {
  const { scenes, twins } = declaredIn(text);
  const inAnySize = (what, flag) => ({
    model,
    what,
    wanted: "violated",
    tries: sizes.map((size) => [...size, flag]),
  });
  return [
    ...sizes.map((size) => ({
      model,
      what: ["holds", ...size].join(" "),
      wanted: "holds",
      tries: [size],
    })),
    ...scenes.map(({ name, number }) => inAnySize(name, `-DCHECKED=${number}`)),
    ...twins.map((twin) => inAnySize(twin, `-D${twin}`)),
  ];
}

/** What pan's output says: `holds` only when all states were searched and none had an error. */
export function verdictOf(output) {
  const number = (pattern) => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const errors = number(/errors: (\d+)/);
  const verdict =
    errors > 0 && /assertion violated/.test(output)
      ? "violated"
      : errors === 0 &&
          !/Search not completed|max search depth too small|out of memory|hit max/i.test(output)
        ? "holds"
        : "unfinished";
  return {
    verdict,
    states: number(/^\s*(\d+) states, stored/m),
    depth: number(/depth reached (\d+)/),
    assertion: /assertion violated (.+)/.exec(output)?.[1],
  };
}
