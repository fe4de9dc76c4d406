// References whose calls make a simulated world run while they are waited for.
import type { ActorClient } from "@tenure/client";

type Awaits = <T>(promise: Promise<T>) => Promise<T>;

export function awaitedClient(client: ActorClient, awaits: Awaits): ActorClient {
  return {
    get: ((...args: Parameters<ActorClient["get"]>) =>
      awaitedReference(client.get(...args), awaits)) as ActorClient["get"],
  };
}

function awaitedReference<R extends object>(reference: R, awaits: Awaits): R {
  return new Proxy(reference, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== "function") return value;
      return (...args: readonly unknown[]): unknown => {
        const answer: unknown = Reflect.apply(value, target, args);
        if (answer instanceof Promise) return awaits(answer);
        // `$with` answers another reference.
        return typeof answer === "object" && answer !== null
          ? awaitedReference(answer, awaits)
          : answer;
      };
    },
  });
}
