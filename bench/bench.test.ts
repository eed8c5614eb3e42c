import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startProcess } from '../gateway/test/servers/child-process.ts'
import { cases, yardstick } from './cases.ts'
import { expectedAnswers } from './measure.ts'
import { readOptions } from './options.ts'
import { processorTimeUs } from './processor-time.ts'
import { median, summarise } from './summary.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

test('a quick run on real parts gives a figure for every case and saves the table it prints', async () => {
  const results = mkdtempSync(join(tmpdir(), 'guichet-bench-results-'))
  onTestFinished(() => rmSync(results, { recursive: true }))
  await using run = await startProcess(main, ['--quick', '--results', results])
  expect(await run.ended, run.stderr).toEqual({ kind: 'exit', code: 0 })

  const table = [...run.stdout.matchAll(/^\| (.+) \|$/gm)].map(([, row = '']) => row.split(' | ')).slice(2)
  expect(table.map(([name]) => name)).toEqual(cases.map(({ name }) => name))
  for (const [name, ...figures] of table) {
    const hasGateway = name !== 'stub alone'
    const shown = figures.filter((figure) => figure !== '–').join(' ')
    expect(figures.filter((figure) => figure !== '–').length, name).toBe(hasGateway ? 8 : 4)
    expect(shown, name).toMatch(/^[\d.–]+( [\d.–]+)*$/)
    expect(Number(figures[0]), name).toBeGreaterThan(50)
    if (hasGateway) expect(Number(figures[4]), `${name}: gateway CPU µs`).toBeGreaterThan(5)
  }
  const [file = ''] = readdirSync(results)
  expect(file).toMatch(/^\d{4}-\d\d-\d\d\.md$/)
  expect(readFileSync(join(results, file), 'utf8').trim()).toBe(run.stdout.trim())
}, 60_000)

describe('what would be no figure ends the benchmark', () => {
  const admitted = { name: 'admitted', status: 200 }

  test.each([
    { statuses: { 200: 9, 429: 1 }, errors: 0 },
    { statuses: { 503: 10 }, errors: 0 },
    { statuses: { 200: 10 }, errors: 1 },
    { statuses: {}, errors: 0 },
  ])('%j', (result) => {
    expect(() => expectedAnswers(admitted, result)).toThrow(/^admitted: expected 200 and nothing else, got /)
  })

  test('all answers as expected are counted', () => {
    expect(expectedAnswers(admitted, { statuses: { 200: 10 }, errors: 0 })).toBe(10)
  })
})

test('rounds become medians, compared with the bare proxy', () => {
  const figures = (requestsPerSecond: number, gatewayCpuUs: number | null) => ({
    requestsPerSecond,
    p50Ms: 1,
    p99Ms: 2,
    gatewayCpuUs,
    redisCpuUs: gatewayCpuUs,
  })
  const rows = summarise(
    new Map([
      ['stub alone', [figures(800, null)]],
      [yardstick, [figures(500, 40), figures(100, 90), figures(400, 50)]],
      ['admitted', [figures(200, 100)]],
    ]),
    yardstick,
  )
  expect(rows.map(({ name, ratio }) => [name, ratio])).toEqual([
    ['stub alone', { requestsPerSecond: 2, cpu: null }],
    [yardstick, { requestsPerSecond: 1, cpu: 1 }],
    ['admitted', { requestsPerSecond: 0.5, cpu: 2 }],
  ])
  expect(rows[1]?.gateway).toEqual({ cpuUs: 50, leastCpuUs: 40, mostCpuUs: 90, redisCpuUs: 50 })
  expect(median([4, 1, 2, 3])).toBe(2.5)
})

test('the processor time of a process is its own', () => {
  const usage = process.cpuUsage()
  const until = usage.user + usage.system + 100_000
  const before = processorTimeUs(process.pid)
  let now = usage
  while (now.user + now.system < until) now = process.cpuUsage()
  const used = processorTimeUs(process.pid) - before
  expect(used).toBeGreaterThanOrEqual(80_000)
  expect(used).toBeLessThan(400_000)
  expect(() => processorTimeUs(2 ** 30)).toThrow(/run the benchmark on Linux/)
})

test.each([
  { args: ['--seconds', '0'], says: '--seconds 0: write a number above 0' },
  { args: ['--rounds', '1.5'], says: '--rounds 1.5: write a whole number' },
  { args: ['--only', 'nothing'], says: '--only nothing: no such case; there are stub alone; bare proxy;' },
  { args: ['--sceonds', '1'], says: '--sceonds' },
])('a mistake in $args is named', ({ args, says }) => {
  expect(() => readOptions(args)).toThrow(says)
})

test('a quick run saves nothing unless it is told where', () => {
  expect(readOptions(['--quick']).results).toBeNull()
  expect(readOptions(['--quick', '--results', 'here']).results).toBe('here')
  expect(readOptions([]).results).toBe('bench/results')
  expect(readOptions(['--no-save']).results).toBeNull()
})
