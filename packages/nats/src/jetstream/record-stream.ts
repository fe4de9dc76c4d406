// One stream as a table of records: a subject per record, and of each subject the newest message.
//   J1. Reads go to the stream's leader (MSG.GET), never to a replica: what was acknowledged is seen (D3).
//   J2. A write is a compare-and-set: it names the sequence of the message that it replaces, 0 for none, and is refused
//       where that is not the newest any more. Nothing else decides anything.
//   J3. What was seen over one connection is written back only over the same one (RQ4). Behind another one may be a server
//       that lost its newest messages and gave their numbers to others; the number alone does not show it (H1).
//   J4. A message that is acknowledged at a number that was known before it was sent proves such a loss: its writer gets no
//       answer, and reads again.
//   J5. Whatever rejects is undecided and says so (StoreUnavailableError): also that the stream, on a new connection, is not what it
//       has to be any more.
import { ConfigError } from "@tenure/core/internal";
import {
  ApiRefusal,
  askApi,
  isJson,
  type Json,
  NO_MESSAGE_FOUND,
  NO_RESPONDERS,
  numberIn,
  readAnswer,
  STREAM_NOT_FOUND,
  WRONG_LAST_SEQUENCE,
} from "./api.ts";
import { PublishHeaders } from "./headers.ts";
import type { Requests } from "./requests.ts";

/** What is known of one subject: its newest message, or that there is none. */
export interface Slot {
  readonly subject: string;
  /** 0: no message. */
  readonly sequence: number;
  readonly bytes: Uint8Array | undefined;
  readonly epoch: number;
}

/** What a message takes besides its bytes: subject, inbox and headers. */
const MESSAGE_OVERHEAD = 512;

export class RecordStream {
  readonly name: string;
  readonly #requests: Requests;
  readonly #opened: (info: Json) => void;
  readonly #remake: (() => Promise<void>) | undefined;
  #highest = 0;
  #checked: { readonly epoch: number; readonly done: Promise<void> };

  /**
   * Of a stream that was just opened, with this `info`. `judge` throws on a configuration that cannot be worked with: asked on every new
   * connection. `remake` makes the stream again where it is gone.
   */
  constructor(
    name: string,
    requests: Requests,
    info: Json,
    judge: (info: Json) => void,
    remake?: () => Promise<void>,
  ) {
    this.name = name;
    this.#requests = requests;
    this.#opened = judge;
    this.#remake = remake;
    this.#checked = { epoch: requests.epoch, done: Promise.resolve() };
    this.#sawState(info);
  }

  /** The stream's newest sequence, as far as it was seen over this connection. */
  get highest(): number {
    return this.#highest;
  }

  get epoch(): number {
    return this.#requests.epoch;
  }

  /** The largest record that fits into one message. */
  get maxRecordBytes(): number {
    return this.#requests.maxPayload - MESSAGE_OVERHEAD;
  }

  async read(subject: string): Promise<Slot> {
    await this.#ready();
    const { epoch } = this;
    try {
      const answer = await askApi(this.#requests, `STREAM.MSG.GET.${this.name}`, {
        last_by_subj: subject,
      });
      const message = answer["message"];
      if (!isJson(message)) throw this.unavailable("the answer has no message");
      const sequence = numberIn(message, "seq");
      this.#saw(sequence);
      const data = message["data"];
      const bytes = Buffer.from(typeof data === "string" ? data : "", "base64");
      return { subject, sequence, bytes, epoch };
    } catch (error) {
      if (error instanceof ApiRefusal && error.errCode === NO_MESSAGE_FOUND)
        return { subject, sequence: 0, bytes: undefined, epoch };
      throw await this.#explained(error);
    }
  }

  /** Replaces what the slot shows. False: it is not the newest any more, and nothing was written. */
  async put(slot: Slot, bytes: Uint8Array): Promise<boolean> {
    await this.#ready();
    if (slot.epoch !== this.epoch) return false; // J3
    if (bytes.length > this.maxRecordBytes)
      throw this.unavailable(
        `a record of ${bytes.length} bytes is larger than a message may be (${this.maxRecordBytes}, by the server's max_payload): ${slot.subject}`,
      );
    const headers = new PublishHeaders({
      "Nats-Expected-Stream": this.name,
      "Nats-Expected-Last-Subject-Sequence": String(slot.sequence),
    });
    const known = this.#highest;
    try {
      const answer = readAnswer(
        this.#requests,
        await this.#requests.ask(slot.subject, bytes, headers, slot.epoch),
      );
      const sequence = numberIn(answer, "seq");
      if (answer["stream"] !== this.name)
        throw this.unavailable(
          `${slot.subject} is taken by the stream ${String(answer["stream"])}`,
        );
      if (sequence <= known) {
        this.#highest = sequence;
        throw this.unavailable(`it went back from sequence ${known} to ${sequence}`); // J4
      }
      this.#saw(sequence);
      return true;
    } catch (error) {
      if (error instanceof ApiRefusal && WRONG_LAST_SEQUENCE.has(error.errCode)) return false;
      throw await this.#explained(error);
    }
  }

  /** Removes exactly this message; one that replaced it stays. */
  async remove(slot: Slot): Promise<void> {
    if (slot.epoch !== this.epoch) return;
    try {
      await askApi(this.#requests, `STREAM.MSG.DELETE.${this.name}`, {
        seq: slot.sequence,
        no_erase: true,
      });
    } catch (error) {
      // It was replaced, or removed, meanwhile.
      if (!(error instanceof ApiRefusal)) throw error;
    }
  }

  /** The stream's newest sequence, at least of what was acknowledged to anybody before this was asked (D3). */
  async sequence(): Promise<number> {
    await this.#ready();
    try {
      this.#sawState(await this.#info({}));
    } catch (error) {
      throw await this.#explained(error);
    }
    return this.#highest;
  }

  /** The subjects of all records that match the filter. */
  async list(filter: string): Promise<readonly string[]> {
    await this.#ready();
    const subjects: string[] = [];
    try {
      for (;;) {
        const info = await this.#info({ subjects_filter: filter, offset: subjects.length });
        const state = isJson(info["state"]) ? info["state"] : {};
        const page = isJson(state["subjects"]) ? Object.keys(state["subjects"]) : [];
        subjects.push(...page);
        if (page.length === 0 || subjects.length >= numberIn(info, "total")) return subjects;
      }
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  unavailable(reason: string, cause?: unknown): Error {
    return this.#requests.unavailable(`stream ${this.name}: ${reason}`, cause);
  }

  async close(): Promise<void> {
    await this.#requests.close();
  }

  #info(body: Json): Promise<Json> {
    return askApi(this.#requests, `STREAM.INFO.${this.name}`, body);
  }

  #sawState({ state }: Json): void {
    if (isJson(state)) this.#saw(numberIn(state, "last_seq"));
  }

  #saw(sequence: number): void {
    this.#highest = Math.max(this.#highest, sequence);
  }

  /** H19: on every new connection, before anything else: is it still there, and still what it has to be? */
  async #ready(): Promise<void> {
    const { epoch } = this;
    if (this.#checked.epoch !== epoch) {
      this.#highest = 0;
      const done = this.#info({}).then((info) => {
        this.#opened(info);
        this.#sawState(info);
      });
      this.#checked = { epoch, done };
    }
    try {
      await this.#checked.done;
    } catch (error) {
      if (this.#checked.epoch === epoch) this.#checked = { epoch: 0, done: Promise.resolve() };
      throw await this.#explained(error);
    }
  }

  /** J5 */
  async #explained(error: unknown): Promise<unknown> {
    if (error instanceof ConfigError) return this.unavailable(error.message, error);
    if (!(error instanceof ApiRefusal)) return error;
    if (error.errCode === STREAM_NOT_FOUND || error.errCode === NO_RESPONDERS) {
      if (this.#remake) await this.#remake().catch(() => undefined);
      return this.unavailable("is not there", error);
    }
    return this.unavailable(error.message, error);
  }
}
