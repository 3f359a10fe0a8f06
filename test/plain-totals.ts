import type { Reporter, TestModule } from 'vitest/node';

/** Ends the run with one plain line, which any CI can read. */
export default class PlainTotals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      const failedBefore = count.failed;
      for (const test of module.children.allTests()) count[test.result().state]++;
      if (!module.ok() && count.failed === failedBefore) count.failed++; // a file or a hook failed, not a test
    }
    console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`);
  }
}
