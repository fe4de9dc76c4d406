// Real partitions: each member in a network namespace of its own, all behind one router that loses packets.
//   NS1. Everything is in namespaces that are made here and removed at the end. The host's interfaces, addresses, routes
//        and rules are never touched: nothing here has a leg in the host.
//   NS2. A partition is a rule of the router that drops what one member sends to another, in silence, as a broken switch
//        does. One-way is the same once.
//   NS3. Needs Linux, root and `ip`; `namespacesUnavailable` says why not.
import { execFileSync } from "node:child_process";

interface Member {
  readonly namespace: string;
  readonly address: string;
}

/** Undefined where namespaces can be made; else the reason. */
export function namespacesUnavailable(): string | undefined {
  if (process.platform !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const probe = `tenure-probe-${process.pid}`;
  try {
    ip("netns", "add", probe);
    ip("netns", "exec", probe, "ip", "rule", "add", "from", "10.0.0.1", "blackhole");
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error).split("\n")[0]}`;
  } finally {
    removeQuietly(probe);
  }
}

export class NetworkNamespaces implements Disposable {
  readonly #prefix: string;
  readonly #router: string;
  readonly #members = new Map<string, Member>();
  readonly #atExit = (): void => this.remove();

  constructor(names: readonly string[]) {
    this.#prefix = `tenure-${process.pid}`;
    this.#router = `${this.#prefix}-router`;
    process.once("exit", this.#atExit);
    try {
      this.#add(this.#router);
      const forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
      ip("netns", "exec", this.#router, "sh", "-c", forward);
      for (const [index, name] of names.entries()) this.#join(name, index + 1);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** A command prefix that runs a program as this member. */
  through(name: string): readonly string[] {
    return ["ip", "netns", "exec", this.#member(name).namespace];
  }

  addressOf(name: string): string {
    return this.#member(name).address;
  }

  /** From now on nothing that `from` sends reaches `to` (NS2). */
  cut(from: string, to: string): void {
    ip("-n", this.#router, "rule", "add", ...this.#rule(from, to));
  }

  heal(from: string, to: string): void {
    ip("-n", this.#router, "rule", "del", ...this.#rule(from, to));
  }

  /** Their programs must have ended. */
  remove(): void {
    process.off("exit", this.#atExit);
    for (const { namespace } of this.#members.values()) removeQuietly(namespace);
    removeQuietly(this.#router);
    this.#members.clear();
  }

  [Symbol.dispose](): void {
    this.remove();
  }

  #join(name: string, number: number): void {
    const namespace = `${this.#prefix}-${name}`;
    const address = `10.77.${number}.2`;
    const gateway = `10.77.${number}.1`;
    this.#add(namespace);
    this.#members.set(name, { namespace, address });
    ip(
      "link",
      "add",
      `m${number}`,
      "netns",
      this.#router,
      "type",
      "veth",
      "peer",
      "name",
      "out",
      "netns",
      namespace,
    );
    for (const [where, link, own] of [
      [this.#router, `m${number}`, gateway],
      [namespace, "out", address],
    ] as const) {
      ip("-n", where, "addr", "add", `${own}/24`, "dev", link);
      ip("-n", where, "link", "set", link, "up");
    }
    ip("-n", namespace, "route", "add", "default", "via", gateway);
  }

  #add(namespace: string): void {
    ip("netns", "add", namespace);
    ip("-n", namespace, "link", "set", "lo", "up");
  }

  #rule(from: string, to: string): readonly string[] {
    return ["from", this.addressOf(from), "to", this.addressOf(to), "blackhole"];
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (!member) throw new Error(`no namespace for ${name}`);
    return member;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function removeQuietly(namespace: string): void {
  try {
    ip("netns", "del", namespace);
  } catch {
    // It was never made.
  }
}
