// Becoming a member: one run of a silo registers, or waits for its predecessor's death.
//   G1. A live name is never taken over on suspicion: its record is watched for a whole lease, and marked dead by
//       compare-and-set on the rev that was watched (R3). If the rev moves, the name is in use: refused.
//   G2. A new incarnation inherits nothing.
import {
  type Clock,
  ConfigError,
  delay,
  type Directory,
  type MemberRecord,
  type RegisterRequest,
  type Sentinel,
  shortName,
} from "@tenure/core/internal";
import { bounded } from "./bounded.ts";
import type { LeaseTiming } from "./lease.ts";

export interface Registered {
  readonly member: MemberRecord;
  readonly sentinel: Sentinel;
}

export interface RegistrationOptions {
  readonly clock: Clock;
  readonly timing: LeaseTiming;
  readonly directory: Directory;
  readonly signal: AbortSignal;
  /** The predecessor was marked dead here. */
  markedDead(member: MemberRecord): void;
}

/** @throws ConfigError when another silo of that name lives, or the cluster speaks another protocol. */
export async function register(
  request: RegisterRequest,
  options: RegistrationOptions,
): Promise<Registered> {
  const { clock, timing, directory, signal } = options;
  for (;;) {
    signal.throwIfAborted();
    const { answer } = await bounded(
      clock,
      timing.ttlMs,
      "registration",
      directory.register(request),
    );
    if (answer.ok) return answer;
    switch (answer.refusal) {
      case "dead":
        throw new ConfigError(
          "name",
          `the silo '${request.name}' was marked dead while it started; start it again`,
        );
      case "protocol":
        throw new ConfigError(
          "cluster",
          `silo '${answer.holder.name}' speaks protocol ${answer.holder.protocol}, this one ${request.protocol}; upgrade the older one, or use another cluster name`,
        );
      case "name-taken":
        await outlive(answer.holder, request, options);
    }
  }
}

/** Returns when the holder of the name is dead; throws when it turns out to live. */
async function outlive(
  holder: MemberRecord,
  request: RegisterRequest,
  options: RegistrationOptions,
): Promise<void> {
  const { clock, timing, directory, signal } = options;
  let since = clock.instant();
  for (;;) {
    const left = timing.watchMs - clock.elapsedMs(since);
    if (left <= 0) break;
    await delay(clock, Math.min(left + 1, timing.roundMs), signal);
    const asked = clock.instant();
    const { answer } = await bounded(clock, timing.roundMs, "members", directory.members());
    const now = answer.members.find((member) => member.incarnation === holder.incarnation);
    if (!now || now.state === "dead") return;
    if (now.rev !== holder.rev)
      throw new ConfigError(
        "name",
        `another silo named '${request.name}' is alive in this cluster (incarnation ${shortName(holder.incarnation)}); give each silo a name of its own, or leave \`name\` out`,
        { value: request.name },
      );
    // A poll that took long proves nothing about the time before it was asked (W2).
    if (clock.elapsedMs(asked) > timing.roundMs) since = clock.instant();
  }
  const { answer } = await bounded(
    clock,
    timing.roundMs,
    "marking a death",
    directory.markDead({ incarnation: holder.incarnation, expectedRev: holder.rev }),
  );
  if (answer.ok) options.markedDead(answer.member);
}
