import { describe, expect, it } from 'vitest'
import type { PolicyKey, WhenKeyIsMissing } from './policy.ts'
import { type Asker, addressSubject, subjectOf } from './subject.ts'

const asker = (changes: Partial<Asker> = {}): Asker => ({
  address: '192.0.2.7',
  accountId: '42',
  role: 'user',
  login: null,
  header: () => undefined,
  ...changes,
})

const subject = (by: readonly PolicyKey[], who: Asker, whenKeyIsMissing: WhenKeyIsMissing = 'address') =>
  subjectOf({ by, whenKeyIsMissing }, who)

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

  it.each<[PolicyKey[], Partial<Asker>, string]>([
    [['user'], {}, 'u:42'],
    [['address'], {}, 'a:192.0.2.7'],
    [['user'], { accountId: null }, 'a:192.0.2.7'],
    [['account'], { accountId: null, login: 'ada@example.org' }, 'l:ada@example.org'],
    [['role'], {}, 'r:user'],
    [['role'], { accountId: null, role: null }, 'r:anonymous'],
    [['header:x-api-key'], { header: (name) => `${name}!` }, 'h:x-api-key=x-api-key!'],
    [['user', 'address'], {}, 'u:42+a:192.0.2.7'],
    [['user', 'header:x-shop'], { header: () => '7' }, 'u:42+h:x-shop=7'],
  ])('by %j it is %s', (by, changes, expected) => {
    expect(subject(by, asker(changes))).toEqual({ kind: 'subject', subject: expected })
  })

  it('a header cannot say two things at once', () => {
    const by: PolicyKey[] = ['header:a', 'header:b']
    const values = (a: string, b: string) => asker({ header: (name) => (name === 'a' ? a : b) })
    expect(subject(by, values('1+h:b=2', '3'))).not.toEqual(subject(by, values('1', '2+h:b=3')))
    expect(subject(by, values('1', '2'))).toEqual({ kind: 'subject', subject: 'h:a=1+h:b=2' })
  })

  it('does without the header what the policy says', () => {
    const by: PolicyKey[] = ['header:x-api-key']
    expect(subject(by, asker(), 'address')).toEqual({ kind: 'subject', subject: 'a:192.0.2.7' })
    expect(subject(by, asker(), 'skip')).toEqual({ kind: 'skip' })
    expect(subject(by, asker({ header: () => '' }), 'deny')).toEqual({ kind: 'missing', header: 'x-api-key' })
  })
})
