// A gate between a silo and its store: what is held has left the silo and has not reached the store.
import type { DirectoryProvider, StorageProvider } from "@tenure/core/internal";

class Barrier {
  #closed: { promise: Promise<void>; open: () => void } | undefined;

  close(): void {
    if (this.#closed) return;
    let open!: () => void;
    const promise = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#closed = { promise, open };
  }

  open(): void {
    this.#closed?.open();
    this.#closed = undefined;
  }

  async pass(held: () => void): Promise<void> {
    if (!this.#closed) return;
    held();
    await this.#closed.promise;
  }
}

export class StoreGate {
  readonly #renewals = new Barrier();
  readonly #saves = new Barrier();
  readonly #held: (what: "save" | "renewal") => void;

  constructor(held: (what: "save" | "renewal") => void) {
    this.#held = held;
  }

  hold(): void {
    this.#renewals.close();
    this.#saves.close();
  }

  releaseSaves(): void {
    this.#saves.open();
  }

  releaseAll(): void {
    this.#saves.open();
    this.#renewals.open();
  }

  directory(provider: DirectoryProvider): DirectoryProvider {
    return {
      name: provider.name,
      open: async (environment) => {
        const directory = await provider.open(environment);
        return new Proxy(directory, {
          get: (target, name) => {
            if (name === "renew")
              return async (request: Parameters<typeof directory.renew>[0]) => {
                await this.#renewals.pass(() => this.#held("renewal"));
                return await target.renew(request);
              };
            // From the member records it would learn of its death as well.
            if (name === "members")
              return async () => {
                await this.#renewals.pass(() => undefined);
                return await target.members();
              };
            const member: unknown = Reflect.get(target, name);
            return typeof member === "function" ? member.bind(target) : member;
          },
        });
      },
    };
  }

  storage(provider: StorageProvider): StorageProvider {
    return {
      name: provider.name,
      open: async (environment) => {
        const storage = await provider.open(environment);
        return new Proxy(storage, {
          get: (target, name) => {
            if (name === "save")
              return async (requests: Parameters<typeof storage.save>[0]) => {
                await this.#saves.pass(() => this.#held("save"));
                return await target.save(requests);
              };
            const member: unknown = Reflect.get(target, name);
            return typeof member === "function" ? member.bind(target) : member;
          },
        });
      },
    };
  }
}
