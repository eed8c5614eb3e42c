import { describe, expect, it } from 'vitest'
import type { Policy, PolicyKey } from './policy.ts'
import { addressSubject, subjectOf } from './subject.ts'

const by = (key: PolicyKey): Policy => ({
  name: 'p',
  quota: 1,
  windowMs: 1,
  by: key,
  whenStoreIsDown: 'local',
})

describe('whose window it is', () => {
  it.each([
    ['192.0.2.7', 'a:192.0.2.7'],
    ['::ffff:192.0.2.7', 'a:192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', 'a:2001:db8:1:2::'],
    ['2001:db8:1:2::1', 'a:2001:db8:1:2::'],
    ['2001:db8:1:3::1', 'a:2001:db8:1:3::'],
    ['fe80::1%eth0', 'a:fe80:0:0:0::'],
    ['::1', 'a:0:0:0:0::'],
    ['', 'a:'],
  ])('%s counts as %s', (address, subject) => {
    expect(addressSubject(address)).toBe(subject)
  })

  it('falls back to the address for who has no account', () => {
    const connected = { address: '192.0.2.7', accountId: '42', login: null }
    expect(subjectOf(by('user'), connected)).toBe('u:42')
    expect(subjectOf(by('address'), connected)).toBe('a:192.0.2.7')
    expect(subjectOf(by('user'), { ...connected, accountId: null })).toBe('a:192.0.2.7')
    expect(subjectOf(by('account'), { ...connected, accountId: null, login: 'ada@example.org' })).toBe(
      'l:ada@example.org',
    )
  })
})
