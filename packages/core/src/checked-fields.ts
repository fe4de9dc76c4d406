// The fields of a decoded message: each is what it must be, or the message is garbage.
import { GarbageError } from "./codec.ts";
import { isEndpointAddress } from "./silo-id.ts";

export const MAX_METHOD = 256;

export function int(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new GarbageError(`${what} is not a whole number`);
  return value;
}

export function str(value: unknown, what: string, maxLength: number): string {
  if (typeof value !== "string" || value.length > maxLength)
    throw new GarbageError(`${what} is not a string of at most ${maxLength}`);
  return value;
}

export function bin(value: unknown, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new GarbageError(`${what} is not bytes`);
  return value;
}

export function address(value: unknown): string {
  if (!isEndpointAddress(value)) throw new GarbageError("not an address");
  return value;
}

/** Ids and types are only measured here; whether they are allowed is answered to the caller as a typed error. */
export function actorType(value: unknown): string {
  return str(value, "type", 256);
}

export function actorId(value: unknown): string {
  return str(value, "id", 4_096);
}
