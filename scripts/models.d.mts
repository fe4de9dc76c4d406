export interface Declared {
  readonly name: string;
  readonly number: number;
  readonly says: string;
}
export interface ModelRun {
  readonly model: string;
  readonly what: string;
  readonly wanted: "holds" | "violated";
  /** Flags; one after the other, until a verdict is the wanted one. */
  readonly tries: readonly (readonly string[])[];
}
export function declaredIn(text: string): {
  readonly properties: readonly Declared[];
  readonly scenes: readonly Declared[];
  readonly twins: readonly { readonly name: string; readonly breaks: readonly string[] }[];
};
export function runsOf(model: {
  readonly name: string;
  readonly text: string;
  readonly sizes: readonly (readonly string[])[];
}): readonly ModelRun[];
export function verdictOf(output: string): {
  readonly verdict: "holds" | "violated" | "unfinished";
  readonly states: number;
  readonly depth: number;
  readonly assertion: string | undefined;
};
