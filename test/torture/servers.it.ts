// Servers that go away and come back: calls fail typed and in time, and everything heals by itself.
import { type CallError, SiloUnavailableError } from "tenure";
import { expect, test } from "vitest";
import { Ledger } from "../support/ledger.ts";
import { startFleet } from "../support/silo-fleet.ts";

test(
  "NATS away: calls fail with SiloUnavailableError; back: the same references work, on the same activations",
  { timeout: 90_000 },
  async () => {
    await using fleet = await startFleet(["one", "two"]);
    const ledger = fleet.client.get(Ledger, "a");
    await ledger.append("before");
    const was = await ledger.whereabouts();

    await fleet.nats.kill();
    const error = await ledger
      .$with({ timeoutMs: "2s" })
      .append("away")
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SiloUnavailableError);
    expect((error as CallError).outcome).toBe("not-executed");

    await fleet.nats.restart();
    // A call with time enough simply waits for the connection.
    expect((await ledger.$with({ timeoutMs: "30s" }).append("after")).index).toBe(1);
    expect(await ledger.whereabouts()).toEqual(was);
  },
);

test(
  "Redis away for longer than the lease: silos pause and refuse; back: they resume with every activation (I13)",
  { timeout: 90_000 },
  async () => {
    await using fleet = await startFleet(["one", "two"]);
    const ledger = fleet.client.get(Ledger, "a");
    await ledger.append("before");
    const was = await ledger.whereabouts();
    const owner = fleet.silos.get(was.silo)!;

    await fleet.redis.kill();
    await owner.event("silo.paused");
    const error = await ledger
      .$with({ timeoutMs: "1s" })
      .append("away")
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SiloUnavailableError);
    expect((error as CallError).outcome).toBe("not-executed");

    await fleet.redis.restart();
    await owner.event("silo.resumed");
    expect((await ledger.$with({ timeoutMs: "20s" }).append("after")).index).toBe(1);
    expect(await ledger.whereabouts()).toEqual(was);
  },
);
