import { describe, expect, it } from 'vitest'
import type { Caller } from '../identity/account.ts'
import type { Journey } from '../journey.ts'
import { createRequestHeaders } from './request-headers.ts'

const ada: Caller = {
  kind: 'connected',
  accountId: '42',
  sessionId: 's',
  role: 'user',
  plan: null,
  email: 'ada@example.org',
  firstName: 'Ada',
  lastName: 'Zoë',
}

const journeyOf = (caller: Caller): Journey => ({
  requestId: 'r-1',
  startedAtMs: 0,
  path: '/',
  address: '192.0.2.7',
  route: {
    name: 'r',
    path: '/',
    service: null,
    upstream: 'app',
    access: 'public',
    crossSite: 'refuse',
    policies: [],
    cost: 1,
    isCached: false,
    responseTimeoutMs: null,
  },
  caller,
  decision: null,
  reportedCost: null,
  upstreamStartedAtMs: null,
  upstreamDurationMs: null,
  cache: null,
  filterAnswer: null,
  heldOpen: null,
})

const assert = (caller: Caller, upstream: string) =>
  caller.kind === 'anonymous' ? null : `proof of ${caller.accountId} for ${upstream}`
const make = createRequestHeaders({
  ownCookies: ['guichet_access', 'guichet_refresh'],
  publicProto: 'https',
  assert,
})
const headersOf = (incoming: Record<string, string>, caller: Caller = ada) =>
  make({ host: 'shop.example', ...incoming }, journeyOf(caller), '192.0.2.7')

describe('what an app receives', () => {
  it('says who calls, from where and for which address', () => {
    expect(headersOf({})).toMatchObject({
      'x-forwarded-user': '42',
      'x-forwarded-email': 'ada@example.org',
      'x-forwarded-name': 'Ada Zo%C3%AB',
      'x-forwarded-groups': 'user',
      'x-guichet-assertion': 'proof of 42 for app',
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-proto': 'https',
      forwarded: 'for=192.0.2.7;host="shop.example";proto=https',
      'x-request-id': 'r-1',
    })
  })

  it('begins a trace of its own for every call, unless it is part of one already', () => {
    const begun = [headersOf({}).traceparent, headersOf({}).traceparent]
    for (const value of begun) expect(value).toMatch(/^00-[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/)
    expect(begun[0]).not.toBe(begun[1])
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(headersOf({ traceparent }).traceparent).toBe(traceparent)
  })

  it('has nothing of hop-by-hop headers, and ours arrive even when Connection names them', () => {
    const headers = headersOf({
      connection: 'keep-alive, x-forwarded-user, x-secret',
      'x-secret': '1',
      'keep-alive': 'timeout=5',
      te: 'trailers',
      upgrade: 'h2c',
      'http2-settings': 'AAA',
      expect: '100-continue',
      'transfer-encoding': 'chunked',
    })
    expect(headers['x-forwarded-user']).toBe('42')
    for (const name of [
      'connection',
      'x-secret',
      'keep-alive',
      'te',
      'upgrade',
      'http2-settings',
      'expect',
      'transfer-encoding',
    ]) {
      expect(headers, name).not.toHaveProperty(name)
    }
  })

  it('never has our session: neither the token nor our cookies, while those of the app stay', () => {
    const headers = headersOf({
      authorization: 'Bearer our.own.token',
      cookie: 'a=1; guichet_access=secret; b=2; guichet_refresh=secret',
    })
    expect(headers).not.toHaveProperty('authorization')
    expect(headers.cookie).toBe('a=1; b=2')
    expect(headersOf({ cookie: 'guichet_access=secret' })).not.toHaveProperty('cookie')
  })

  it('keeps credentials that are the app’s own', () => {
    expect(headersOf({ authorization: 'Basic abc' }, { kind: 'anonymous' }).authorization).toBe('Basic abc')
  })

  it('names nobody when nobody is connected', () => {
    const names = Object.keys(headersOf({}, { kind: 'anonymous' }))
    expect(names.filter((name) => /user|email|name|groups|assertion/.test(name))).toEqual([])
  })

  it('has no e-mail where nobody knows one', () => {
    expect(headersOf({}, { ...ada, email: '' } as Caller)).not.toHaveProperty('x-forwarded-email')
  })

  it('adds the peer to the list of a proxy that is trusted', () => {
    expect(headersOf({ 'x-forwarded-for': '198.51.100.1' })['x-forwarded-for']).toBe(
      '198.51.100.1, 192.0.2.7',
    )
  })
})
