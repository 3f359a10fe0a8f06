import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // One more than most machines here have cores: tests of the engine wait most of the time.
    maxWorkers: 3,
    // For machines that are slow or busy; no test measures time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ['default', './test/plain-totals.ts'],
  },
});
