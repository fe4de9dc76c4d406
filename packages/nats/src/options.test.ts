import { ConfigError } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { nats } from "./index.ts";
import { resolveNatsOptions, withoutCredentials } from "./options.ts";

function problemOf(options: unknown): string {
  try {
    nats(options as Parameters<typeof nats>[0]);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("was accepted");
}

test.each([
  [undefined, /^nats: needs options/],
  [{}, /^nats\.servers: must be an address/],
  [{ servers: [] }, /^nats\.servers/],
  [{ servers: 4222 }, /^nats\.servers.*not 4222/],
  [{ servers: ["a:1", ""] }, /^nats\.servers.*not ""/],
  [{ servers: "a:1", server: "b" }, /^nats\.server: is not an option; there are authenticator, /],
  [{ servers: "a:1", name: 3 }, /^nats\.name: must be a string/],
  [{ servers: "a:1", connect: "nats" }, /^nats\.connect: must be a function/],
  [{ servers: "a:1", tls: true }, /^nats\.tls: must be an object/],
  [{ servers: "a:1", pass: "x" }, /^nats\.pass: needs nats\.user/],
  [{ servers: "a:1", user: "u", token: "t" }, /^nats\.token: excludes/],
])("a wrong option is refused when nats() is called, by name: %j (O1)", (options, message) => {
  expect(problemOf(options)).toMatch(message);
});

test("secrets never appear in what is shown (O2)", () => {
  expect(problemOf({ servers: "a:1", pass: { secret: "hunter2" } })).not.toContain("hunter2");
  expect(withoutCredentials("nats://user:pa%40ss@host:4222")).toBe("nats://host:4222");
  expect(withoutCredentials("user:pass@host:4222")).toBe("host:4222");
  expect(withoutCredentials("host:4222")).toBe("host:4222");
  const { shownServers } = resolveNatsOptions({ servers: ["nats://u:p@a:1", "b:2"] });
  expect(shownServers).toBe("nats://a:1, b:2");
});
