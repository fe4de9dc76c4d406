// Names of endpoints. An address is an incarnation: the random name of one run of one silo (R19), or of one client.
import type { Random } from "./random.ts";

/** The random name of one run of a silo; never reused. 128 bits as 32 hex digits. */
export type Incarnation = string;

/** Where a message can be sent: one endpoint, any one serving silo, or every endpoint. */
export type Address = string;

/** Any one serving silo of the cluster. */
export const ANY_SILO: Address = "any";
/** Every endpoint of the cluster, clients too. */
export const EVERYONE: Address = "all";

const ADDRESS_PATTERN = /^[0-9a-f]{32}$/;

export function newIncarnation(random: Random): Incarnation {
  return random.hex128();
}

export function isEndpointAddress(text: unknown): text is Address {
  return typeof text === "string" && ADDRESS_PATTERN.test(text);
}

/** The first digits, for messages that people read. */
export function shortName(incarnation: Incarnation): string {
  return incarnation.slice(0, 8);
}
