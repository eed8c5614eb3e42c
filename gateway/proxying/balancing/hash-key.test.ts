import { expect, it } from 'vitest'
import type { Caller } from '../../identity/account.ts'
import { type HashBy, hashKey } from './hash-key.ts'

const ada: Caller = {
  ...{ kind: 'connected', accountId: '42', sessionId: 's', role: 'user', plan: null },
  ...{ email: 'ada@etu.example', firstName: 'Ada', lastName: 'Lovelace' },
}

it.each([
  [{ kind: 'user' }, ada, 'u:42'],
  [{ kind: 'user' }, { kind: 'anonymous' }, 'a:192.0.2.7'],
  [{ kind: 'address' }, ada, 'a:192.0.2.7'],
  [{ kind: 'header', name: 'x-cart' }, ada, 'h:7'],
  [{ kind: 'header', name: 'x-none' }, ada, 'a:192.0.2.7'],
] as const)('by %o is %s', (by: HashBy, caller: Caller, key: string) => {
  const asker = { raw: { headers: { 'x-cart': '7' } }, journey: { caller, address: '192.0.2.7' } }
  expect(hashKey(by, asker)).toBe(key)
})
