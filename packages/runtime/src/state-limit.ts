// How large a state may be: what the silo was told, as far as its store can hold it.
import { ConfigError } from "@tenure/core/internal";

const DEFAULT_STATE_BYTES = 512 * 1_024;

/** @throws ConfigError when more was asked for than the store can hold. */
export function stateLimit(
  given: number | undefined,
  store: { readonly name: string; readonly maxStateBytes: number },
): number {
  if (given === undefined) return Math.min(DEFAULT_STATE_BYTES, store.maxStateBytes);
  if (given > store.maxStateBytes)
    throw new ConfigError(
      "maxStateBytes",
      `must be at most ${store.maxStateBytes}, which is what ${store.name} can hold, not ${given}`,
      { given, limit: store.maxStateBytes },
    );
  return given;
}
