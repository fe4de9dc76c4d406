// Standard Schema, version 1 (https://standardschema.dev): the interface that Zod, Valibot, ArkType and others implement, so
// that no library of schemas is a dependency here.
//   K1. Whatever a schema does, checking a value ends in its output or in issues: a schema that throws has an issue, too.
//   K2. Issues are plain data with bounds: they travel, and are shown to people.
import { describe } from "./duration.ts";
import { errorText } from "./errors.ts";

/** A schema of any library that implements Standard Schema. `Output` is what a checked value is. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
    /** For the type system alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardSchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardSchemaIssue[] };

export interface StandardSchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema found wrong with a value: where, outermost first, and what. Plain data. */
export interface SchemaIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

export const MAX_ISSUES = 20;
export const MAX_ISSUE_PATH = 32;
/** Of a message, and of one key of a path. */
export const MAX_ISSUE_TEXT = 500;

/** Some libraries' schemas are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  const standard = (value as { readonly "~standard"?: unknown })["~standard"];
  if (typeof standard !== "object" || standard === null) return false;
  const { version, validate } = standard as { readonly version?: unknown; validate?: unknown };
  return version === 1 && typeof validate === "function";
}

/** At once where the schema answers at once; its promise never rejects (K1). */
export function checkWith(schema: StandardSchema, value: unknown): Checked | Promise<Checked> {
  try {
    const result = schema["~standard"].validate(value);
    // Not everything that can be awaited is a Promise of this realm.
    return typeof (result as { then?: unknown }).then === "function"
      ? settled(result as Promise<StandardSchemaResult<unknown>>)
      : checked(result as StandardSchemaResult<unknown>);
  } catch (error) {
    return threw(error);
  }
}

async function settled(result: Promise<StandardSchemaResult<unknown>>): Promise<Checked> {
  try {
    return checked(await result);
  } catch (error) {
    return threw(error);
  }
}

function checked(result: StandardSchemaResult<unknown>): Checked {
  if (result.issues === undefined) return { ok: true, value: result.value };
  const issues = [...result.issues].slice(0, MAX_ISSUES).map(issueOf);
  return { ok: false, issues: issues.length > 0 ? issues : [NO_REASON] };
}

const NO_REASON: SchemaIssue = { path: [], message: "the schema refused it without a reason" };

function issueOf({ message, path = [] }: StandardSchemaIssue): SchemaIssue {
  return {
    message: short(String(message)),
    path: [...path].slice(0, MAX_ISSUE_PATH).map((step) => {
      const key = typeof step === "object" ? step.key : step;
      return typeof key === "number" && Number.isFinite(key) ? key : short(String(key));
    }),
  };
}

function threw(error: unknown): Checked {
  return {
    ok: false,
    issues: [{ path: [], message: short(`the schema threw: ${errorText(error)}`) }],
  };
}

function short(text: string): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.length <= MAX_ISSUE_TEXT
    ? wellFormed
    : `${wellFormed.slice(0, MAX_ISSUE_TEXT - 1).toWellFormed()}…`;
}

/** `args[0].name: Expected string; …`: for messages that people read. */
export function formatIssues(root: string, issues: readonly SchemaIssue[]): string {
  return issues.map(({ path, message }) => `${formatPath(root, path)}: ${message}`).join("; ");
}

function formatPath(root: string, path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number" || /^\d+$/.test(key)) return `${text}[${key}]`;
    return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${text}.${key}` : `${text}[${describe(key)}]`;
  }, root);
}
