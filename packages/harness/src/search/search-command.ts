import { AibenchError, type ErrorCode, exitCode } from '@aibench/core';
import { type Bench, statusOf } from '../bench.js';
import { openReport, writeReport } from '../report/report-file.js';
import { searchJson, searchLine, searchText } from '../report/search-report.js';
import type { SearchPlan } from './search-plan.js';
import { type SearchRunsResult, searchRuns } from './search-runs.js';

/**
 * Runs `--find-max-rate`: a line for each measurement, then the summary and the
 * file. The status is 0 where a rate was found or every rate tried holds.
 *
 * @throws why it ended before, after the reports are written
 */
export async function runSearch(bench: Bench, plan: SearchPlan): Promise<number> {
  const { load, signal, stdout } = bench;
  const file = await openReport(load.jsonOutFile);
  try {
    const found = await searchRuns({
      ...{ plan, load, signal },
      run: (each) => bench.run(each, bench.runnerFlags),
      onMeasured: (point) => bench.progress(searchLine(point)),
    });
    await writeReport(file, searchJson(found));
    stdout.write(searchText(found));
    return searchStatus(bench, found);
  } finally {
    await file?.discard();
  }
}

function searchStatus(bench: Bench, { search, client }: SearchRunsResult): number {
  const { verdict, reason, code } = search;
  if (verdict === 'ended' && code !== undefined) throw new AibenchError(code as ErrorCode, reason);
  if (verdict === 'ended' || verdict === 'holds-at-none') {
    bench.say(reason);
    return exitCode.failed;
  }
  if (verdict === 'holds-at-every-rate-tried') bench.say(reason);
  const outcome = { kind: 'completed', reason: undefined, code: undefined } as const;
  return statusOf({ outcome, client }, bench.load.failIfClientBound);
}
