import { ConfigError, type PortEnvironment } from "@tenure/core/internal";
import { expect, test } from "vitest";
import { memoryDirectory } from "./memory-directory.ts";
import { memoryStorage } from "./memory-storage.ts";

test.each([
  ["directory", memoryDirectory()],
  ["storage", memoryStorage()],
])("memory refuses durability: 'strict' as a %s, and says what to use", async (_port, provider) => {
  const environment = { cluster: "c", durability: "strict" } as unknown as PortEnvironment;
  const opened = provider.open(environment);
  await expect(opened).rejects.toBeInstanceOf(ConfigError);
  await expect(opened).rejects.toThrow(/data: '.\/data' or \.\.\.redis/);
});
