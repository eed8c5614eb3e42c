import { GatewayError } from '../errors.ts'
import type { WindowRequest, WindowState } from './admission.ts'
import { wholeSeconds } from './headers.ts'
import type { Limiter } from './limiter.ts'
import { isCountedBy, readSubjectName } from './name-subject.ts'
import type { Policy } from './policy.ts'
import { bucketOf, type CountedRoute, isEnforcedFor, quotaOf } from './windows-of-call.ts'

/** Whose windows an operator looks at or changes. */
export interface NamedSubject {
  readonly subject: string
  /** Null for a subject that is no account of ours. */
  readonly account: SubjectAccount | null
}

export interface SubjectAccount {
  readonly id: string
  readonly firstName: string
  readonly lastName: string
  readonly email: string
}

interface PlannedAccount extends SubjectAccount {
  readonly role: string
  readonly plan: string | null
}

/** One window as an operator reads it. */
export interface SubjectWindow {
  readonly policy: string
  /** The policy's name, with the route or service that has this window to itself. */
  readonly bucket: string
  readonly algorithm: Policy['algorithm']
  readonly scope: Policy['scope']
  readonly isShadow: boolean
  /** With the boost. */
  readonly quota: number
  readonly windowSeconds: number
  readonly remaining: number
  /** Until one more place is free; 0 when all are. */
  readonly resetSeconds: number
  /** ISO 8601; null without a boost. */
  readonly boostedUntil: string | null
  readonly bannedUntil: string | null
}

export interface SubjectLimits {
  /** @throws GatewayError 400 or 404 with the cure */
  find(text: string): Promise<NamedSubject>
  /** @throws GatewayError 503 while the store is away */
  show(named: NamedSubject): Promise<SubjectWindow[]>
  /** @throws GatewayError 400 for a policy that does not count this subject, named with those that do */
  check(named: NamedSubject, policy: string): void
  /** Of one policy or of all; resolves with the buckets that were reset. */
  reset(named: NamedSubject, policy: string | null): Promise<string[]>
  boost(named: NamedSubject, policy: string, quota: number, forMs: number): Promise<string[]>
}

export interface SubjectLimitsOptions {
  readonly limiter: Pick<Limiter, 'look' | 'reset' | 'boost' | 'boostLeftMs'>
  readonly policies: readonly Policy[]
  /** All that count calls, login included. */
  readonly routes: readonly CountedRoute[]
  readonly accountWithId: (id: string) => Promise<PlannedAccount | null>
  /** As typed. */
  readonly accountWithEmail: (email: string) => Promise<PlannedAccount | null>
}

/** What an operator may see of anybody's limits, and change on every gateway at once. */
export function createSubjectLimits(options: SubjectLimitsOptions): SubjectLimits {
  const { limiter, policies, routes } = options

  async function windowsOf(
    { subject, account }: NamedSubject,
    name: string | null,
  ): Promise<WindowRequest[]> {
    const known = account === null ? null : await options.accountWithId(account.id)
    const counting = policies.filter((policy) => isCountedBy(policy, subject))
    return counting
      .filter((policy) => name === null || policy.name === name)
      .flatMap((policy) =>
        bucketsOf(policy, routes).map((bucket) => ({
          policy,
          subject,
          bucket,
          quota: quotaOf(policy, known?.plan ?? null, known?.role ?? null),
          cost: 1,
          isShadow: !isEnforcedFor(policy, subject),
        })),
      )
  }

  async function stateOf(window: WindowState, nowMs: number): Promise<SubjectWindow> {
    const { request, quota, remaining, resetMs, isBanned } = window
    const { name, algorithm, scope, windowMs } = request.policy
    const boostLeftMs = await limiter.boostLeftMs(request)
    const isoIn = (ms: number): string => new Date(nowMs + ms).toISOString()
    return {
      ...{ policy: name, bucket: request.bucket, algorithm, scope, isShadow: request.isShadow, quota },
      windowSeconds: windowMs / 1000,
      remaining: Math.max(0, remaining),
      resetSeconds: resetMs === 0 ? 0 : wholeSeconds(resetMs),
      boostedUntil: boostLeftMs > 0 ? isoIn(boostLeftMs) : null,
      bannedUntil: isBanned ? isoIn(resetMs) : null,
    }
  }

  return {
    async find(text) {
      const name = readSubjectName(text)
      if (name.kind === 'unreadable') throw new GatewayError('invalid-request', { sentence: writeSubject })
      if (name.kind === 'email') {
        const account = await options.accountWithEmail(name.email)
        if (account !== null) return { subject: `u:${account.id}`, account: shown(account) }
        throw new GatewayError('not-found', {
          sentence:
            'No account has this e-mail address. For attempts to log in under it write login:ADDRESS.',
        })
      }
      const id = /^u:([^+]+)/.exec(name.subject)?.[1]
      const account = id === undefined ? null : await options.accountWithId(id)
      return { subject: name.subject, account: account === null ? null : shown(account) }
    },

    async show(named) {
      const windows = await windowsOf(named, null)
      if (windows.length === 0) return []
      const looked = await limiter.look({ session: null, windows, callId: 'operator' })
      if (looked.tier === 'degraded' || !('windows' in looked)) throw storeAway()
      const nowMs = Date.now()
      return orStoreAway(Promise.all(looked.windows.map((window) => stateOf(window, nowMs))))
    },

    check({ subject }, policy) {
      const names = policies.filter((each) => isCountedBy(each, subject)).map(({ name }) => name)
      if (names.includes(policy)) return
      const choice = names.length === 0 ? 'No policy does' : `Name one of ${names.join(', ')}`
      throw new GatewayError('invalid-request', {
        sentence: `No policy ${JSON.stringify(policy)} counts ${subject}. ${choice}.`,
        members: { parameter: 'policy' },
      })
    },

    async reset(named, policy) {
      const windows = await windowsOf(named, policy)
      await orStoreAway(Promise.all(windows.map((window) => limiter.reset(window))))
      return windows.map(({ bucket }) => bucket)
    },

    async boost(named, policy, quota, forMs) {
      const windows = await windowsOf(named, policy)
      await orStoreAway(Promise.all(windows.map((window) => limiter.boost(window, quota, forMs))))
      return windows.map(({ bucket }) => bucket)
    },
  }
}

const writeSubject =
  'This names nobody. Write user:42, email:ada@example.org, address:192.0.2.7, login:ada@example.org, ' +
  'role:admin or header:NAME=VALUE, several joined by +.'

/** Each once; a policy that no route names is there all the same when all its calls share a window. */
function bucketsOf(policy: Policy, routes: readonly CountedRoute[]): string[] {
  const counted = routes.filter(({ policies }) => policies.some(({ name }) => name === policy.name))
  const buckets = new Set(counted.map((route) => bucketOf(policy, route)))
  if (policy.scope === 'policy') buckets.add(policy.name)
  return [...buckets]
}

const shown = ({ id, firstName, lastName, email }: SubjectAccount): SubjectAccount => ({
  id,
  firstName,
  lastName,
  email,
})

async function orStoreAway<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw storeAway(cause)
  }
}

const storeAway = (cause?: unknown): GatewayError =>
  new GatewayError('store-unavailable', {
    sentence: 'The store of windows is away. /readyz tells when it is back; then try again.',
    retryAfterSeconds: 2,
    cause,
  })
