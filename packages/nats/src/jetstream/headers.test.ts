import { expect, test } from "vitest";
import { PublishHeaders } from "./headers.ts";

test("headers are encoded as the server reads them", () => {
  const headers = new PublishHeaders({ "Nats-Expected-Stream": "S" });
  expect(Buffer.from(headers.encode()).toString()).toBe(
    "NATS/1.0\r\nNats-Expected-Stream: S\r\n\r\n",
  );
});

test("a value with a line break is refused: it would be a header of somebody's choosing (HD1)", () => {
  expect(() => new PublishHeaders({ a: "b\r\nc: d" })).toThrow(/HD1/);
});
