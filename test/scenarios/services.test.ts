// ctx.services: what an application gives to the actors of a silo.
import { Actor, defineActor, TenureError } from "tenure";
import { expect, test } from "vitest";
import { testSilos } from "../../packages/testing/src/test-silos.ts";
import type { Mailer } from "../support/mailer.ts";

class Letter extends Actor {
  static readonly actor = defineActor<Letter>({ type: "letter", placement: "local" });
  // Fields and constructors may use it, like every fact of ctx.
  readonly #from = this.ctx.services.mail.from;
  async send(to: string): Promise<string> {
    this.ctx.services.mail.send(to);
    // @ts-expect-error What nobody has declared is not there.
    const undeclared: unknown = this.ctx.services.fax;
    return `${this.#from} ${String(undeclared)}`;
  }
}

class Bare extends Actor {
  static readonly actor = defineActor<Bare>({ type: "bare" });
  async uses(): Promise<unknown> {
    return this.ctx.services.mail.from;
  }
  async usesNothing(): Promise<string> {
    return this.ctx.silo;
  }
}

test("every actor of a silo gets the very object that its createSilo was given, each silo its own", async () => {
  const sent: string[] = [];
  const mailer = (from: string): Mailer => ({
    from,
    send(to) {
      sent.push(`${this.from}>${to}`);
    },
  });
  await using t = await testSilos({ actors: [Letter], silos: 0 });
  for (const name of ["one", "two"]) {
    const silo = await t.add(name, { services: { mail: mailer(name) } });
    expect(await silo.client.get(Letter, name).send("ann")).toBe(`${name} undefined`);
  }
  expect(sent).toEqual(["one>ann", "two>ann"]);
});

test("in a silo that was given no services, using them fails the call and says so; everything else works", async () => {
  await using t = await testSilos({ actors: [Bare] });
  const bare = t.silos[0]!.client.get(Bare, "a");
  expect(await bare.usesNothing()).toBe("silo-1");
  const failure: unknown = await bare.uses().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TenureError);
  expect(failure).toMatchObject({
    code: "CONFIG",
    message: "services: createSilo of 'silo-1' was given none",
  });
});

test("services are typed where they are given, too", async () => {
  // @ts-expect-error A part of what is declared is not enough.
  await using t = await testSilos({ actors: [Bare], options: { services: {} } });
  await expect(t.silos[0]!.client.get(Bare, "a").uses()).rejects.toThrow(TypeError);
});
