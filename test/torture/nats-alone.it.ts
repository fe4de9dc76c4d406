// A cluster on one nats-server, with no other store. `pnpm torture --figures nats-alone` does it again and again.
import { expect, test } from "vitest";
import { natsAlone } from "./figures/nats-alone.ts";

test(
  "three silos on NATS alone survive SIGKILL of a silo and of the server: what was acknowledged is there, and nothing twice (I2, I9)",
  { timeout: 120_000 },
  async () => {
    const { line, holds } = await natsAlone(1);
    console.log(line);
    expect(holds).toBe(true);
  },
);
