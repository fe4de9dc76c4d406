// The flags of a script: `--name value`, or `--name` alone.

export interface Flags {
  has(name: string): boolean;
  /** @throws Error for what is no number from 0 on. */
  number(name: string, otherwise: number): number;
  /** `--name a,b` as a list; undefined without it. */
  list(name: string): readonly string[] | undefined;
}

/** @throws Error for a flag that is not known. */
export function readFlags(known: readonly string[]): Flags {
  const given = new Map<string, string>();
  const [, , ...words] = process.argv;
  for (let i = 0; i < words.length; i++) {
    const name = words[i]!;
    if (!known.includes(name))
      throw new Error(`there is no ${name}; there are ${known.join(", ")}`);
    const value = words[i + 1];
    if (value === undefined || value.startsWith("--")) given.set(name, "");
    else {
      given.set(name, value);
      i += 1;
    }
  }
  return {
    has: (name) => given.has(name),
    number: (name, otherwise) => {
      const value = Number(given.get(name) ?? otherwise);
      if (!Number.isFinite(value) || value < 0) throw new Error(`${name} takes a number`);
      return value;
    },
    list: (name) => given.get(name)?.split(","),
  };
}
