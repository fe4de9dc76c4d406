// A virtual clock for code that does nothing between timers but settle promises: fast enough for thousands of leases.
import { VirtualClock } from "../../packages/testing/src/virtual-clock.ts";

export class StepClock extends VirtualClock {
  /** Called when what a timer caused has come to rest. */
  onStep: () => void = () => undefined;

  override async settle(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.onStep();
  }
}
