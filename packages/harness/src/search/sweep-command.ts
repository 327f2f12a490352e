import { type Bench, statusOf } from '../bench.js';
import { openReport, writeReport } from '../report/report-file.js';
import { sweepJson, sweepLine, sweepText } from '../report/sweep-report.js';
import { firstOf } from './search-runs.js';
import type { SweepPlan } from './sweep-plan.js';
import { type SweepRunsResult, sweepRuns } from './sweep-runs.js';

/**
 * Runs `--sweep`: a line for each run, then the summary and the file.
 *
 * @throws why it ended before its last value, after the reports are written
 */
export async function runSweep(bench: Bench, plan: SweepPlan): Promise<number> {
  const { load, signal, stdout } = bench;
  const file = await openReport(load.jsonOutFile);
  try {
    const swept = await sweepRuns({
      ...{ plan, signal },
      run: (each) => bench.run(each.load, each.runnerFlags),
      onPoint: (point) => bench.progress(sweepLine(plan.variable, point)),
    });
    await writeReport(file, sweepJson(swept));
    stdout.write(sweepText(swept));
    return statusOf({ outcome: swept.outcome, client: clientPart(swept) }, load.failIfClientBound);
  } finally {
    await file?.discard();
  }
}

/** The client's part in a sweep: bound where it was in any run. */
function clientPart({ points, variable }: SweepRunsResult) {
  const reasons = points
    .filter(({ result }) => result.client.verdict.clientBound)
    .map(({ value, result }) => `at ${variable}=${value} ${firstOf(result.client.verdict.reasons)}`);
  return { clientBound: reasons.length > 0, reasons };
}
