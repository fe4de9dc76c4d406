import { ConfigError } from "@tenure/core/internal";
import { connect as connectV3 } from "@nats-io/transport-node";
import { connect as connectV2 } from "nats";
import { expect, test } from "vitest";
import { loadConnect, type NatsConnect } from "./client-library.ts";

function missing(name: string): () => Promise<never> {
  const error = Object.assign(new Error(`Cannot find package '${name}' imported from /x.js`), {
    code: "ERR_MODULE_NOT_FOUND",
  });
  return () => Promise.reject(error);
}

test("both libraries are what the structural interface asks for", () => {
  const both: readonly NatsConnect[] = [connectV2, connectV3];
  expect(both.map((connect) => typeof connect)).toEqual(["function", "function"]);
});

test("without a choice, `nats` is taken where it is installed", async () => {
  expect(await loadConnect()).toBe(connectV2);
});

test("where `nats` is not installed, @nats-io/transport-node is taken", async () => {
  const connect = await loadConnect([
    ["nats", missing("nats")],
    ["@nats-io/transport-node", () => import("@nats-io/transport-node")],
  ]);
  expect(connect).toBe(connectV3);
});

test("with neither installed, the error names both", async () => {
  const loading = loadConnect([
    ["nats", missing("nats")],
    ["@nats-io/transport-node", missing("@nats-io/transport-node")],
  ]);
  await expect(loading).rejects.toThrow(ConfigError);
  await expect(loading).rejects.toThrow(/install nats or @nats-io\/transport-node/);
});

test("a library that is installed and broken is not passed over", async () => {
  const loading = loadConnect([["nats", missing("tweetnacl")]]);
  await expect(loading).rejects.toThrow("Cannot find package 'tweetnacl'");
});
