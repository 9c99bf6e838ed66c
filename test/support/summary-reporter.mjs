import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

const SHOWN = 20;

/** Leaves the run's numbers in a file, for the end of what npm test prints: the slowest specs, and one line of numbers. */
export default class SummaryReporter {
  onRunComplete(_, results) {
    const numbers = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      slowest: slowest(results.testResults),
    };
    writeFileSync(process.env.TEST_SUMMARY_FILE, JSON.stringify(numbers));
  }
}

function slowest(specs) {
  return specs
    .map(({ testFilePath, perfStats: { start, end } }) => ({
      spec: relative(process.cwd(), testFilePath),
      seconds: (end - start) / 1_000,
    }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, SHOWN);
}
