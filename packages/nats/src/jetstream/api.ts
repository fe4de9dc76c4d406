// JetStream's own words: its API is JSON over request and reply, spoken here without a library of its own.
import type { NatsMessage } from "../client-library.ts";
import type { Requests } from "./requests.ts";

/** What the server answered instead of doing it. */
export class ApiRefusal extends Error {
  readonly errCode: number;

  constructor(errCode: number, description: string) {
    super(description);
    this.errCode = errCode;
  }
}

/** Nobody listens: JetStream is not enabled here, or the stream is not there. */
export const NO_RESPONDERS = 503;
export const STREAM_NOT_FOUND = 10_059;
export const NO_MESSAGE_FOUND = 10_037;
export const NAME_IN_USE = 10_058;
export const NOT_ENABLED: ReadonlySet<number> = new Set([NO_RESPONDERS, 10_039, 10_076]);
/** The second is what newer servers say where the cluster had decided before. */
export const WRONG_LAST_SEQUENCE: ReadonlySet<number> = new Set([10_071, 10_164]);

export type Json = Readonly<Record<string, unknown>>;

/** @throws ApiRefusal when the server says no; StoreUnavailableError when it says nothing. */
export async function askApi(requests: Requests, verb: string, body: Json = {}): Promise<Json> {
  const payload = Buffer.from(JSON.stringify(body), "utf8");
  return readAnswer(requests, await requests.ask(`$JS.API.${verb}`, payload));
}

/** @throws ApiRefusal */
export function readAnswer(requests: Requests, message: NatsMessage): Json {
  if (message.headers?.code === NO_RESPONDERS)
    throw new ApiRefusal(NO_RESPONDERS, "nobody listens there");
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(message.data).toString("utf8"));
  } catch (error) {
    throw requests.unavailable("the answer is not JSON", error);
  }
  if (!isJson(answer)) throw requests.unavailable("the answer is not an object");
  const { error } = answer;
  if (!isJson(error)) return answer;
  throw new ApiRefusal(numberIn(error, "err_code"), String(error["description"]));
}

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** 0 where there is none. */
export function numberIn(json: Json, field: string): number {
  const value = json[field];
  return typeof value === "number" ? value : 0;
}
