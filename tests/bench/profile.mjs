// Where the time of a model goes, by kernel, from the events of the session's own trace.

/**
 * @param {{ dur: number, args: { kernel: string } }[]} events of `runs` runs
 * @returns {{ milliseconds: number, kernels: { kernel: string, steps: number, milliseconds: number, share: number }[] }}
 *   of one run; kernels by falling share
 */
export function byKernel(events, runs) {
  const totals = new Map();
  for (const { dur, args } of events) {
    const { steps, microseconds } = totals.get(args.kernel) ?? { steps: 0, microseconds: 0 };
    totals.set(args.kernel, { steps: steps + 1, microseconds: microseconds + dur });
  }
  const all = events.reduce((sum, { dur }) => sum + dur, 0);
  const kernels = [...totals].map(([kernel, { steps, microseconds }]) => ({
    kernel,
    steps: steps / runs,
    milliseconds: microseconds / 1000 / runs,
    share: microseconds / all,
  }));
  return { milliseconds: all / 1000 / runs, kernels: kernels.sort((a, b) => b.share - a.share) };
}
