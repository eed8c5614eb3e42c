import { describe, expect, it, test } from 'vitest'
import { isCountedBy, readSubjectName } from './name-subject.ts'
import { plainPolicy } from './policy.ts'

describe('what an operator writes names a subject as windows do', () => {
  it.each([
    ['u:42', 'u:42'],
    ['user:42', 'u:42'],
    ['a:192.0.2.7', 'a:192.0.2.7'],
    ['address:192.0.2.7', 'a:192.0.2.7'],
    ['address:::ffff:192.0.2.7', 'a:192.0.2.7'],
    ['address:2001:db8:1:2:3::4', 'a:2001:db8:1:2::'],
    ['a:2001:db8:1:2::', 'a:2001:db8:1:2::'],
    ['l:ada+news@example.org', 'l:ada+news@example.org'],
    ['login:ada@example.org', 'l:ada@example.org'],
    ['role:admin', 'r:admin'],
    ['header:x-api-key=a+b', 'h:x-api-key=a+b'],
    ['user:42+address:192.0.2.7', 'u:42+a:192.0.2.7'],
  ])('%s', (written, subject) => {
    expect(readSubjectName(written)).toEqual({ kind: 'subject', subject })
  })

  it('email:… is the account that has it', () => {
    expect(readSubjectName('email:Ada@example.org')).toEqual({ kind: 'email', email: 'Ada@example.org' })
  })

  it.each(['', '42', 'u:', 'x:42', 'person:42', 'header:x-api-key', 'u:42+', `u:${'4'.repeat(1_000)}`])(
    '%s is no subject',
    (written) => {
      const reading = readSubjectName(written)
      // A `+` that no further key follows belongs to the value.
      if (written === 'u:42+') expect(reading).toEqual({ kind: 'subject', subject: 'u:42+' })
      else expect(reading).toEqual({ kind: 'unreadable' })
    },
  )
})

test('a policy counts the subjects that its keys make, and addresses for those who lack one', () => {
  const by = (...keys: Parameters<typeof isCountedBy>[0]['by']) =>
    plainPolicy('calls', 10, 1_000, { by: keys })
  expect(isCountedBy(by('user'), 'u:42')).toBe(true)
  expect(isCountedBy(by('user'), 'a:192.0.2.7')).toBe(true)
  expect(isCountedBy(by('address'), 'u:42')).toBe(false)
  expect(isCountedBy(by('account'), 'l:ada@example.org')).toBe(true)
  expect(isCountedBy(by('user'), 'l:ada@example.org')).toBe(false)
  expect(isCountedBy(by('user', 'address'), 'u:42+a:192.0.2.7')).toBe(true)
  expect(isCountedBy(by('user', 'address'), 'u:42')).toBe(false)
  expect(isCountedBy(by('header:x-api-key'), 'h:x-api-key=1+u:2')).toBe(true)
  expect(isCountedBy(by('header:x-api-key'), 'h:x-other=1')).toBe(false)
  expect(isCountedBy(by('header:x-api-key'), 'a:192.0.2.7')).toBe(true)
  const skips = plainPolicy('calls', 10, 1_000, { by: ['header:x-api-key'], whenKeyIsMissing: 'skip' })
  expect(isCountedBy(skips, 'a:192.0.2.7')).toBe(false)
})
