import { ConfigError } from "@tenure/core/internal";
import { expect, test } from "vitest";
import type { Json } from "./api.ts";
import {
  checkServer,
  isAtLeast,
  type JetStreamSettings,
  judgeStream,
  newStream,
  promiseOf,
} from "./stream-config.ts";

const SUBJECTS = ["tnr-state.shop.>"];
const NONE: JetStreamSettings = { replicas: undefined, syncAlways: false };

function judge(changes: Json, settings = NONE, version = "2.9.10"): () => void {
  const config = { ...newStream("S", SUBJECTS, 1), ...changes };
  return () => judgeStream({ config }, "S", SUBJECTS, settings, version);
}

test("a stream as we make it is taken, and one with limits that refuse what is new", () => {
  expect(judge({})).not.toThrow();
  expect(judge({ max_bytes: 1_000, discard: "new" })).not.toThrow();
  expect(judge({ num_replicas: 3 }, NONE, "2.11.0")).not.toThrow();
});

test.each<[string, Json, RegExp]>([
  ["an age", { max_age: 1 }, /max_age must be 0/],
  ["more messages of a subject", { max_msgs_per_subject: 5 }, /must be 1/],
  ["a work queue", { retention: "workqueue" }, /must be limits/],
  ["a discard of what is old", { max_msgs: 9, discard: "old" }, /discard must be new/],
  ["other subjects", { subjects: ["a.>"] }, /has the subjects \["a.>"\]/],
  ["a mirror", { mirror: { name: "M" } }, /copy of another stream/],
  ["sources", { sources: [] }, /copy of another stream/],
  ["no acknowledgements", { no_ack: true }, /no_ack/],
  ["a seal", { sealed: true }, /sealed/],
  ["a transform", { subject_transform: { src: "a", dest: "b" } }, /subject_transform/],
  ["replicas on an old server", { num_replicas: 3 }, /below 2\.11/],
])("a stream with %s is refused, with how to mend it (SC1, SC2)", (_what, changes, message) => {
  expect(judge(changes)).toThrow(ConfigError);
  expect(judge(changes)).toThrow(message);
});

test("replicas that are not what the options say are refused", () => {
  expect(judge({}, { replicas: 3, syncAlways: false }, "2.11.0")).toThrow(/says 3/);
});

test("more than one replica needs nats-server 2.11 (SC2)", () => {
  const three = { replicas: 3, syncAlways: false };
  expect(() => checkServer(three, "2.10.26")).toThrow(/2\.11 or newer/);
  expect(() => checkServer(three, "2.11.0")).not.toThrow();
  expect(() => checkServer(NONE, "2.2.0")).not.toThrow();
});

test("versions are compared by their numbers", () => {
  expect(isAtLeast("2.9.10", 2, 11)).toBe(false);
  expect(isAtLeast("v2.11.0-RC.1", 2, 11)).toBe(true);
  expect(isAtLeast("3.0.0", 2, 11)).toBe(true);
});

test("strict is kept only where an operator states what the server does not tell (SC3)", () => {
  const info = { config: newStream("S", SUBJECTS, 1) };
  const always = { replicas: undefined, syncAlways: true };
  expect(promiseOf(info, NONE, "default")).toMatch(/up to its sync_interval, two minutes unless/);
  expect(() => promiseOf(info, NONE, "strict")).toThrow(/syncAlways: true/);
  expect(promiseOf(info, always, "strict")).toMatch(/crash of the server and of its machine/);
  const memory = { config: { ...newStream("S", SUBJECTS, 1), storage: "memory" } };
  expect(() => promiseOf(memory, always, "strict")).toThrow(ConfigError);
});
