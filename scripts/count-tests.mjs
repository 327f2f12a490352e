// Adds up Vitest's JSON reports and closes with `N passed, N failed`. Fails
// when a report is missing, when a test failed and when one was skipped: a test
// that did not run proves nothing.
import { existsSync, readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
const skipped = [];
for (const path of process.argv.slice(2)) {
  if (!existsSync(path)) {
    console.error(`${path} is missing: its tests did not run to the end`);
    failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(path, 'utf8'));
  for (const file of report.testResults) {
    // A file that could not be loaded has no tests to count, and failed all the same.
    if (file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'))
      failed += 1;
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'passed') passed += 1;
      else if (status === 'failed') failed += 1;
      else skipped.push(fullName);
    }
  }
}
for (const name of skipped) console.error(`skipped: ${name}`);
console.log(`${passed} passed, ${failed + skipped.length} failed`);
process.exitCode = failed + skipped.length > 0 || passed === 0 ? 1 : 0;
