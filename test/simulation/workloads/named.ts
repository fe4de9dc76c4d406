// The workloads by name, as a job says which one it is about.
import type { WorkloadFactory } from "@tenure/testing";
import { classesWorkload } from "./classes-workload.ts";
import { crowdWorkload } from "./crowd-workload.ts";
import { protocolWorkload } from "./protocol-workload.ts";

export const WORKLOADS = {
  /** Everything that the protocol promises. */
  protocol: protocolWorkload,
  /** What a class says of itself, and what operators do. */
  classes: classesWorkload,
  /** What many calls at once cost. */
  crowd: crowdWorkload,
} as const satisfies Readonly<Record<string, WorkloadFactory>>;

export type WorkloadName = keyof typeof WORKLOADS;

/** No name is fine: there is a default. */
export function isWorkload(name: string | undefined): name is WorkloadName | undefined {
  return name === undefined || Object.hasOwn(WORKLOADS, name);
}
