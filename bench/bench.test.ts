import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { windowKey } from '../gateway/connections/redis-keys.ts'
import { createRedisAdmission } from '../gateway/limiting/admission.redis.ts'
import type { WindowRequest } from '../gateway/limiting/admission.ts'
import { plainPolicy } from '../gateway/limiting/policy.ts'
import { startProcess } from '../gateway/test/servers/child-process.ts'
import { type BenchCase, callersOf, cases, policyNameOf, windowMsOf, yardstick } from './cases.ts'
import { expectedTier } from './denials.ts'
import { expectedAnswers } from './measure.ts'
import { readOptions } from './options.ts'
import { processorTimeUs } from './processor-time.ts'
import { median, summarise } from './summary.ts'
import { isMet, targetsOf } from './targets.ts'
import { fillWindows } from './windows.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

test('a quick run on real parts gives a figure for every case and saves the table it prints', async () => {
  const results = mkdtempSync(join(tmpdir(), 'guichet-bench-results-'))
  onTestFinished(() => rmSync(results, { recursive: true }))
  await using run = await startProcess(main, ['--quick', '--results', results])
  expect(await run.ended, run.stderr).toEqual({ kind: 'exit', code: 0 })

  const [table = [], promises = []] = tablesIn(run.stdout)
  expect(table.map(([name]) => name)).toEqual(
    cases.filter(({ peer }) => peer === undefined).map(({ name }) => name),
  )
  for (const [name, ...figures] of table) {
    const hasGateway = name !== 'stub alone'
    const shown = figures.filter((figure) => figure !== '–').join(' ')
    expect(figures.filter((figure) => figure !== '–').length, name).toBe(hasGateway ? 8 : 4)
    expect(shown, name).toMatch(/^[\d.–]+( [\d.–]+)*$/)
    expect(Number(figures[0]), name).toBeGreaterThan(name === 'answers of 10 MB' ? 2 : 50)
    if (hasGateway) expect(Number(figures[4]), `${name}: gateway CPU µs`).toBeGreaterThan(5)
  }
  for (const [promise = '', most, measured, range, met] of promises) {
    // In so short a run Redis may not use one tick of its clock.
    if (promise.endsWith('Redis CPU') && met === 'not measured') continue
    // A quick run is without the peers.
    if (/÷ (best peer|nginx)/.test(promise)) {
      expect(met, promise).toBe('not measured')
      continue
    }
    expect(range, promise).toMatch(/^-?[\d.]+–-?[\d.]+$/)
    expect(met, promise).toBe(Number(measured) <= Number(most) ? 'yes' : 'no')
  }
  expect(promises).toHaveLength(13)
  const [file = ''] = readdirSync(results)
  expect(file).toMatch(/^\d{4}-\d\d-\d\d\.md$/)
  expect(readFileSync(join(results, file), 'utf8').trim()).toBe(run.stdout.trim())
}, 180_000)

/** The rows of each Markdown table, without its head. */
const tablesIn = (text: string): string[][][] =>
  [...text.matchAll(/(?:^\|.+\|\n)+/gm)].map(([table]) =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) => row.slice(2, -2).split(' | ')),
  )

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

test.each([
  {
    deniedBy: 'memory',
    before: { memory: 50, store: 10 },
    after: { memory: 140, store: 20 },
    isExpected: true,
  },
  {
    deniedBy: 'memory',
    before: { memory: 50, store: 10 },
    after: { memory: 60, store: 100 },
    isExpected: false,
  },
  { deniedBy: 'store', before: {}, after: { store: 100 }, isExpected: true },
  { deniedBy: 'store', before: {}, after: {}, isExpected: false },
] as const)('denials that others gave than the case says are no figure: $deniedBy, $after', (given) => {
  const judged = () => expectedTier({ name: 'denied', deniedBy: given.deniedBy }, given.before, given.after)
  if (given.isExpected) judged()
  else expect(judged).toThrow(/^denied: denials came from /)
})

test('the windows are filled as the gateway itself would have done, and forgotten afterwards', async () => {
  const benchCase = cases.find(({ name }) => name === 'quota 1000') as BenchCase
  const ids = Array.from({ length: 200 }, (_, index) => `bench-${index}`)
  const tokens = ids.map(
    (sub) => `head.${Buffer.from(JSON.stringify({ sub })).toString('base64url')}.signature`,
  )
  const stage = { redisUrl: inject('redisUrl'), tokens }
  const redis = new Redis(stage.redisUrl)
  onTestFinished(() => redis.disconnect())
  const policy = plainPolicy(
    policyNameOf(benchCase, 0),
    1_000,
    windowMsOf(1_000, callersOf(benchCase, ids.length)),
  )
  let nowMs = 0
  const store = createRedisAdmission(redis, { now: () => nowMs })
  const remaining = async (id: string) => {
    const window: WindowRequest = {
      policy,
      subject: `u:${id}`,
      bucket: policy.name,
      quota: policy.quota,
      cost: 1,
      isShadow: false,
    }
    const looked = await store.look({ session: null, windows: [window], callId: 'bench' })
    return looked.kind === 'session-ended' ? null : looked.windows[0]?.remaining
  }
  const [first = '', lastToCall = '', tooMany = ''] = [ids[0], ids[191], ids[192]]
  {
    await using _filled = await fillWindows(benchCase, stage)
    nowMs = Number(await redis.lindex(windowKey(`u:${first}`, policy.name), 0)) / 1_000
    expect([await remaining(first), await remaining(lastToCall), await remaining(tooMany)]).toEqual([
      100, 100, 1_000,
    ])
  }
  expect([await remaining(first), await remaining(lastToCall)]).toEqual([1_000, 1_000])
})

const figures = (requestsPerSecond: number, gatewayCpuUs: number | null) => ({
  requestsPerSecond,
  p50Ms: 1,
  p99Ms: 2,
  gatewayCpuUs,
  redisCpuUs: gatewayCpuUs,
})

test('rounds become medians, compared with the bare proxy', () => {
  const rows = summarise(
    new Map([
      ['stub alone', [figures(800, null)]],
      [yardstick, [figures(500, 40), figures(100, 90), figures(400, 50)]],
      ['admitted', [figures(200, 100)]],
    ]),
    yardstick,
  )
  expect(rows.map(({ name, ratio }) => [name, ratio])).toEqual([
    ['stub alone', { requestsPerSecond: 1.6, cpu: null }],
    [yardstick, { requestsPerSecond: 1, cpu: 1 }],
    ['admitted', { requestsPerSecond: 0.4, cpu: 2.5 }],
  ])
  expect(rows[1]?.gateway).toEqual({ cpuUs: 50, leastCpuUs: 40, mostCpuUs: 90, redisCpuUs: 50 })
  expect(median([4, 1, 2, 3])).toBe(2.5)
})

test('cases are compared round by round: a machine that is slow for a while changes nothing', () => {
  const rounds = new Map([
    ['admitted', [figures(1, 100), figures(1, 300), figures(1, 110)]],
    ['denied from memory', [figures(1, 40), figures(1, 120), figures(1, 66)]],
    [yardstick, [figures(1, 90), figures(1, 280), figures(1, 100)]],
    ['3 policies', [figures(1, 110), figures(1, 290), figures(1, 113)]],
    ['quota 10', [figures(1, 0)]],
    ['quota 100000', [figures(1, 10)]],
  ])
  const measured = targetsOf(rounds, 321).filter(
    ({ promise }) => !/peer|nginx|cached|during|^bare/.test(promise),
  )
  expect(measured.map((target) => [target.measured, isMet(target)])).toEqual([
    [{ median: 0.4, least: 0.4, most: 0.6 }, 'yes'],
    [{ median: 13, least: 10, most: 20 }, 'no'],
    // No tick of the clock was seen, so there is nothing to divide by.
    [null, 'not measured'],
    [null, 'not measured'],
    [{ median: 321, least: 321, most: 321 }, 'no'],
  ])
  expect(new Set(targetsOf(new Map(), null).map(isMet))).toEqual(new Set(['not measured']))
})

test('a peer is compared by the best of them in each round, whichever that was', () => {
  const rounds = new Map([
    ['admitted', [figures(1, 40), figures(1, 60)]],
    ['fast-gateway + rate-limiter-flexible: admitted', [figures(1, 100), figures(1, 240)]],
    ['fastify + http-proxy + rate-limit: admitted', [figures(1, 160), figures(1, 120)]],
  ])
  const target = targetsOf(rounds, null).find(({ promise }) => promise.startsWith('admitted ÷ best peer'))
  expect(target?.measured).toEqual({ median: 0.45, least: 0.4, most: 0.5 })
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
