import { writeFileSync } from 'node:fs';

/** Leaves the run's numbers in a file, for the closing line of npm test. */
export default class SummaryReporter {
  onRunComplete(_, results) {
    const numbers = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    writeFileSync(process.env.TEST_SUMMARY_FILE, JSON.stringify(numbers));
  }
}
