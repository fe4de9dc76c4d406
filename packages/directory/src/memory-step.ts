// How a store in memory makes an atomic step: it runs it at once, and JavaScript runs nothing in between.
import { ConfigError, type PortEnvironment, type Transact } from "@tenure/core/internal";

export interface WriteCount {
  /** How many records were written: the store's sequence, which never goes back. */
  readonly writes: number;
}

export function atTheCall<Tables extends WriteCount>(tables: Tables): Transact<Tables> {
  // An async function's body runs up to its first await at the call, and turns a throw into a rejection.
  return async (step) => {
    const answer = step(tables);
    return { sequence: tables.writes, answer };
  };
}

/** A store that ends with its process keeps nothing that `strict` promises. */
export function refuseStrict(durability: PortEnvironment["durability"]): void {
  if (durability === "strict")
    throw new ConfigError(
      "durability",
      "'strict' cannot be kept in memory, which ends with the process; name a store, for example data: './data' or ...redis({ url })",
      { value: durability },
    );
}
