// Becoming a member: one run of a silo registers, or waits for its predecessor's death.
//   G1. A live name is never taken over on suspicion: its record is watched for a whole lease, and marked dead by
//       compare-and-set on the rev that was watched (R3). If the rev moves twice, the name is in use: refused. Once may be
//       a last renewal that was late on its way from a process that is gone; of those there is at most one, since each
//       names the rev that it replaces.
//   G2. A new incarnation inherits nothing; but the death of its own silo's last one needs no watching, also where its
//       record is gone: nobody else could tell for a whole lease whether it lives (R16).
import {
  type Clock,
  ConfigError,
  delay,
  type Directory,
  type Incarnation,
  type MemberRecord,
  type RegisterAnswer,
  type RegisterRequest,
  type Sentinel,
  shortName,
} from "@tenure/core/internal";
import { bounded } from "./bounded.ts";
import type { LeaseTiming } from "./lease.ts";
import { type Rev, watchOn } from "./observation.ts";

export interface Registered {
  readonly member: MemberRecord;
  readonly sentinel: Sentinel;
}

export interface RegistrationOptions {
  readonly clock: Clock;
  readonly timing: LeaseTiming;
  readonly directory: Directory;
  readonly signal: AbortSignal;
  /** This silo's last incarnation, which is over and knows it: nobody has to watch it. */
  readonly previous: Incarnation | undefined;
  /** The predecessor was marked dead here. */
  markedDead(member: MemberRecord): void;
}

const MAX_SENDS = 2;

/** @throws ConfigError when another silo of that name lives, or the cluster speaks another protocol. */
export async function register(
  request: RegisterRequest,
  options: RegistrationOptions,
): Promise<Registered> {
  if (options.previous !== undefined) await buryAbsent(options.previous, options);
  for (;;) {
    const answer = await ask(request, options);
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
        await bury(
          answer.holder.incarnation === options.previous
            ? answer.holder
            : await outlived(answer.holder, request, options),
          options,
        );
    }
  }
}

/** A registration whose answer is lost is sent again as it is: it may have been applied (R8). */
async function ask(
  request: RegisterRequest,
  { clock, timing, directory, signal }: RegistrationOptions,
): Promise<RegisterAnswer> {
  for (let sends = 1; ; sends++) {
    signal.throwIfAborted();
    try {
      const registering = directory.register(request);
      return (await bounded(clock, timing.ttlMs, "registration", registering)).answer;
    } catch (error) {
      if (sends >= MAX_SENDS) throw error;
    }
  }
}

/** The holder of the name as it was for a whole lease; undefined when it is gone by itself; throws when it lives. */
async function outlived(
  holder: MemberRecord,
  request: RegisterRequest,
  { clock, timing, directory, signal }: RegistrationOptions,
): Promise<MemberRecord | undefined> {
  let seen = holder;
  let watch = watchOn<Rev>(undefined, holder.rev, false, clock.monotonicMs());
  let asked = clock.instant();
  do {
    const leftMs = watch.sinceMs + timing.watchMs - clock.monotonicMs();
    await delay(clock, Math.min(Math.max(leftMs, 0) + 1, timing.roundMs), signal);
    const gapMs = clock.elapsedMs(asked);
    asked = clock.instant();
    const { answer } = await bounded(clock, timing.roundMs, "members", directory.members());
    const now = answer.members.find((member) => member.incarnation === holder.incarnation);
    if (!now || now.state === "dead") return undefined;
    if (now.rev > holder.rev + 1)
      throw new ConfigError(
        "name",
        `another silo named '${request.name}' is alive in this cluster (incarnation ${shortName(holder.incarnation)}); give each silo a name of its own, or leave \`name\` out`,
        { value: request.name },
      );
    // Time in which nobody looked, here or because this machine slept, proves nothing (W2).
    watch = watchOn<Rev>(watch, now.rev, gapMs <= timing.maxPollGapMs, clock.monotonicMs());
    seen = now;
  } while (asked.monotonicMs - watch.sinceMs < timing.watchMs);
  return seen;
}

/** Creates this silo's last incarnation as dead, if it has no record. */
async function buryAbsent(
  incarnation: Incarnation,
  { clock, timing, directory, signal }: RegistrationOptions,
): Promise<void> {
  signal.throwIfAborted();
  const marking = directory.markDead({ incarnation, expectedRev: "absent" });
  await bounded(clock, timing.roundMs, "marking a death", marking);
}

/** Marks the holder dead, if it has not renewed since it was seen; else the next registration meets it again. */
async function bury(holder: MemberRecord | undefined, options: RegistrationOptions): Promise<void> {
  if (!holder) return;
  const { clock, timing, directory, signal } = options;
  signal.throwIfAborted();
  const marking = directory.markDead({
    incarnation: holder.incarnation,
    expectedRev: holder.rev,
  });
  const { answer } = await bounded(clock, timing.roundMs, "marking a death", marking);
  if (answer.ok) options.markedDead(answer.member);
}
