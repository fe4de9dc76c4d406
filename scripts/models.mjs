// What is to be checked of a model in docs/protocol/model, and what a run of it said. Pure; check-models.mjs runs them.

/**
 * The properties, scenes and broken twins that a model declares: `#define NAME 1`, numbers from 100 on are scenes; each twin
 * with the properties that its line in the table of twins says it breaks.
 */
export function declaredIn(text) {
  const numbered = Array.from(
    text.matchAll(/^#define ([A-Z][A-Z0-9_]*) (\d+)\s*\/\* (.+?) \*\/$/gm),
    ([, name, number, says]) => ({ name, number: Number(number), says }),
  ).filter(({ name }) => /^(SCENE|[IR]\d+)_/.test(name));
  const table = new Map(
    Array.from(text.matchAll(/^ \*   (TWIN_[A-Z_]+) +(.+)$/gm), ([, name, breaks]) => [
      name,
      breaks.split(" "),
    ]),
  );
  const built = Array.from(text.matchAll(/^#ifn?def (TWIN_[A-Z_]+)$/gm), ([, name]) => name);
  return {
    properties: numbered.filter(({ number }) => number < 100),
    scenes: numbered.filter(({ number }) => number >= 100),
    twins: [...new Set([...built, ...table.keys()])].map((name) => ({
      name,
      breaks: table.get(name) ?? [],
    })),
  };
}

/**
 * The runs of a model: in each of its sizes it holds; each scene is reached in one of them, so that the properties do not hold
 * for want of anything happening; each twin breaks the properties that it is there to break in one of them. A twin that names
 * none, and a property that no twin breaks, are errors: the one would fail by accident, the other might hold whatever is done.
 */
export function runsOf({ name: model, text, sizes }) {
  const { properties, scenes, twins } = declaredIn(text);
  const numberOf = (twin, property) => {
    const found = properties.find(({ name }) => name === property);
    if (!found) throw new Error(`${model}: ${twin} breaks ${property}, which is no property`);
    return found.number;
  };
  for (const { name, breaks } of twins)
    if (breaks.length === 0) throw new Error(`${model}: ${name} does not say what it breaks`);
  for (const { name } of properties)
    if (!twins.some(({ breaks }) => breaks.includes(name)))
      throw new Error(`${model}: no twin breaks ${name}`);
  const inAnySize = (what, ...flags) => ({
    model,
    what,
    wanted: "violated",
    tries: sizes.map((size) => [...size, ...flags]),
  });
  return [
    ...sizes.map((size) => ({
      model,
      what: ["holds", ...size].join(" "),
      wanted: "holds",
      tries: [size],
    })),
    ...scenes.map(({ name, number }) => inAnySize(name, `-DCHECKED=${number}`)),
    ...twins.flatMap(({ name, breaks }) =>
      breaks.map((property) =>
        inAnySize(`${name} ${property}`, `-D${name}`, `-DCHECKED=${numberOf(name, property)}`),
      ),
    ),
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
