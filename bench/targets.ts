import { peerCaseName, yardstick } from './cases.ts'
import { peers } from './peers.ts'
import { type Comparison, compare, compareWithBest, difference, type Rounds, ratio } from './summary.ts'

/** A promise about cost, and what this run says of it. */
export interface Target {
  readonly promise: string
  readonly most: number
  readonly digits: number
  /** Null when a case it needs did not run. */
  readonly measured: Comparison | null
}

/** @param bytes what a full window of quota 10 takes in Redis */
export function targetsOf(rounds: Rounds, bytes: number | null): Target[] {
  const ofNode = peers.filter(({ kind }) => kind === 'node').map(({ name }) => name)
  const againstNode = (of: string, job: 'admitted' | 'denied') =>
    compareWithBest(
      rounds,
      of,
      ofNode.map((peer) => peerCaseName(peer, job)),
    )
  const againstNginx = (of: string, job: 'bare' | 'admitted' | 'denied') =>
    compare(rounds, { of, to: peerCaseName('nginx + Lua + Redis', job) }, ratio('gatewayCpuUs'))
  const quotas = { of: 'quota 100000', to: 'quota 10' }
  return [
    {
      promise: 'denied from memory ÷ admitted, gateway CPU',
      most: 0.45,
      digits: 2,
      measured: compare(rounds, { of: 'denied from memory', to: 'admitted' }, ratio('gatewayCpuUs')),
    },
    {
      promise: '3 policies − bare proxy, gateway CPU µs',
      most: 12,
      digits: 1,
      measured: compare(rounds, { of: '3 policies', to: yardstick }, difference('gatewayCpuUs')),
    },
    {
      promise: 'quota 100000 ÷ quota 10, gateway CPU',
      most: 1.5,
      digits: 2,
      measured: compare(rounds, quotas, ratio('gatewayCpuUs')),
    },
    {
      promise: 'quota 100000 ÷ quota 10, Redis CPU',
      most: 1.5,
      digits: 2,
      measured: compare(rounds, quotas, ratio('redisCpuUs')),
    },
    {
      promise: 'bare proxy, gateway CPU µs',
      most: 34,
      digits: 1,
      measured: compare(rounds, { of: yardstick, to: yardstick }, (one) => one.gatewayCpuUs ?? Number.NaN),
    },
    // What 34 µs were against nginx where both were first measured: it holds on a slower machine too.
    { promise: 'bare proxy ÷ nginx, CPU', most: 2.3, digits: 2, measured: againstNginx(yardstick, 'bare') },
    {
      promise: 'admitted ÷ best peer in Node, CPU',
      most: 0.5,
      digits: 2,
      measured: againstNode('admitted', 'admitted'),
    },
    {
      promise: 'admitted ÷ nginx + Lua + Redis, CPU',
      most: 1.33,
      digits: 2,
      measured: againstNginx('admitted', 'admitted'),
    },
    {
      promise: 'denied from memory ÷ best peer in Node, CPU',
      most: 0.5,
      digits: 2,
      measured: againstNode('denied from memory', 'denied'),
    },
    {
      promise: 'denied from memory ÷ nginx + Lua + Redis, CPU',
      most: 0.63,
      digits: 2,
      measured: againstNginx('denied from memory', 'denied'),
    },
    {
      promise: 'cached hit ÷ denied from memory, gateway CPU',
      most: 1.25,
      digits: 2,
      measured: compare(rounds, { of: 'cached hit', to: 'denied from memory' }, ratio('gatewayCpuUs')),
    },
    {
      promise: 'p99 during 200 logins a second ÷ without them',
      most: 2,
      digits: 1,
      measured: compare(rounds, { of: 'steady, 200 logins a second', to: 'steady' }, ratio('p99Ms')),
    },
    {
      promise: 'a caller who has spent a quota of 10, bytes of values in Redis',
      most: 320,
      digits: 0,
      measured: bytes === null ? null : { median: bytes, least: bytes, most: bytes },
    },
  ]
}

/** Judged as shown: rounded. */
export function isMet({ most, digits, measured }: Target): 'yes' | 'no' | 'not measured' {
  if (measured === null) return 'not measured'
  return Number(measured.median.toFixed(digits)) <= most ? 'yes' : 'no'
}
