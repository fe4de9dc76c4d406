// Classes of a workshop of three silos over NATS: what they may be told, where they live, and which of them have no names.
import { Actor, defineActor } from "tenure";
import { z } from "zod";
import type {} from "../support/mailer.ts";

/** Lives where its id says, knows its price list, and takes orders that make sense. */
export class Bench extends Actor<{ orders: { item: string; count: number }[] }> {
  static readonly actor = defineActor<Bench>({
    type: "bench",
    // A name that is not there yet is no place, and looked for again.
    placement: ({ id }) => id.slice(0, id.indexOf(":")),
    state: z.object({
      orders: z.array(z.object({ item: z.string(), count: z.number() })).default([]),
    }),
    methods: {
      order: {
        args: z.tuple([z.object({ item: z.string().trim().min(1), count: z.number().min(1) })]),
      },
      orders: "read",
      where: "read",
    },
  });
  async order(order: { item: string; count: number }): Promise<number> {
    return this.state.orders.push(order);
  }
  orders(): readonly { item: string; count: number }[] {
    return this.state.orders;
  }
  where(): { readonly silo: string; readonly mail: string } {
    return { silo: this.ctx.silo, mail: this.ctx.services.mail.from };
  }
  /** Stores what the schema will not know again. */
  async scribble(): Promise<void> {
    this.state.orders.push({ item: "?", count: "many" as unknown as number });
  }
}

export class Kiln extends Actor {
  static readonly actor = defineActor<Kiln>({ type: "kiln", placement: { role: "hot" } });
  async where(): Promise<string> {
    return this.ctx.silo;
  }
}

export class Shelf extends Actor {
  static readonly actor = defineActor<Shelf>({ type: "shelf", placement: "hash" });
  async where(): Promise<string> {
    return this.ctx.silo;
  }
}

let atOnce = 0;

export class Apprentice extends Actor {
  static readonly actor = defineActor<Apprentice>({ type: "apprentice", stateless: { max: 3 } });
  /** Answers how many of them worked in this process when it began. */
  async work(ms: number): Promise<{ readonly silo: string; readonly atOnce: number }> {
    atOnce += 1;
    const seen = atOnce;
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
    atOnce -= 1;
    return { silo: this.ctx.silo, atOnce: seen };
  }
}
