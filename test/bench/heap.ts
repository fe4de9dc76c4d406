// What a process keeps, after everything that nobody holds is gone. Needs Node's --expose-gc.

export async function heapBytes(): Promise<number> {
  if (!globalThis.gc) throw new Error("--expose-gc is missing");
  // What ends with a turn of the event loop ends here; what a first collection finalizes, a second takes.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
