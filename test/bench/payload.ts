// What calls carry in the measurements: some 130 bytes of msgpack, and never the same object twice.

export interface Payload {
  readonly name: string;
  readonly n: number;
  readonly city: string;
  readonly unit: string;
  readonly state: string;
  readonly bytes: Uint8Array;
}

const BYTES = 64;
const NAME = "a name of thirty-two characters!";

export function payload(n: number, size: number = BYTES): Payload {
  return {
    name: NAME,
    n,
    city: "Lisboa",
    unit: "kg",
    state: "open",
    bytes: new Uint8Array(size).fill(n & 0xff),
  };
}
