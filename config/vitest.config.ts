import { defineConfig } from 'vitest/config'

// Set by .ci/run, which counts the tests from it.
const report = process.env.TEST_REPORT

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['gateway/**/*.test.ts', 'backend/**/*.test.ts', 'grafana/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['gateway/test/servers/global-setup.ts'],
    setupFiles: ['gateway/test/servers/no-leaks.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // A busy machine needs more than the second that is usual.
    expect: { poll: { timeout: 5_000 } },
    passWithNoTests: false,
    silent: 'passed-only',
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
