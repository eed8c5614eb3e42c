import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Codes, CodeTrial, NewCode } from './codes.ts'

export interface CodesAtHand extends AsyncDisposable {
  readonly codes: Codes
  /** Codes of another process on the same database. */
  readonly others: Codes
  /** How many owners have a row, all purposes together. */
  countRows(): Promise<number>
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const noonMs = Date.UTC(2026, 10, 2, 12)

const wrong: CodeTrial = { kind: 'wrong' }
const right: CodeTrial = { kind: 'right', payload: { firstName: 'Ada' } }

/** Owners that break what is glued together, cut or compared by a database's own rules. */
const naughty = [
  '',
  ' ',
  'x'.repeat(10_000),
  `${'x'.repeat(10_000)}y`,
  "'; DROP TABLE guichet_codes; -- ",
  'a\0b',
  'jose@example.org',
  'josé@example.org',
  'JOSE@example.org',
  'jose@example.org ',
  '\ud800',
  '\udbff',
  '🦊👩‍👩‍👧‍👦\u202e\r\n',
]

/** What every home of the codes promises. `open` gives an empty home; times are parameters. */
export function codesContract(home: string, open: () => Promise<CodesAtHand>): void {
  describe(`codes in ${home}`, () => {
    let opened: CodesAtHand
    let codes: Codes
    beforeAll(async () => {
      opened = await open()
      codes = opened.codes
    })
    afterAll(() => opened[Symbol.asyncDispose]())

    const issue = (owner: string, more: Partial<NewCode> = {}) => {
      const issuedAtMs = more.issuedAtMs ?? noonMs
      return codes.issue({
        purpose: 'registration',
        owner,
        codeHash: 'good',
        payload: { firstName: 'Ada' },
        issuedAtMs,
        expiresAtMs: issuedAtMs + 10 * minuteMs,
        ...more,
      })
    }
    const spend = (owner: string, codeHash = 'good', nowMs = noonMs) =>
      codes.spend('registration', owner, codeHash, nowMs)

    test('the right code gives back what was kept with it, once', async () => {
      const payload = { firstName: '🦊 \ud800 \0', 'a"key': '{}', passwordHash: 'x'.repeat(70_000) }
      expect(await issue('once', { payload })).toEqual({ kind: 'issued' })
      expect(await spend('once')).toEqual({ kind: 'right', payload })
      expect(await spend('once')).toEqual(wrong)
    })

    test('a code that was never issued is wrong', async () => {
      expect(await spend('nobody')).toEqual(wrong)
    })

    test('twenty who spend the right code at once, at two gateways: one of them is right', async () => {
      for (let round = 0; round < 3; round++) {
        await issue(`race ${round}`)
        const trials = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            (i % 2 ? codes : opened.others).spend('registration', `race ${round}`, 'good', noonMs),
          ),
        )
        expect(trials.filter(({ kind }) => kind === 'right')).toEqual([right])
      }
    })

    test('the fifth try may be right, the sixth is wrong whatever it is', async () => {
      await issue('fifth')
      await issue('sixth')
      for (let tried = 0; tried < 4; tried++) expect(await spend('fifth', 'bad')).toEqual(wrong)
      for (let tried = 0; tried < 5; tried++) expect(await spend('sixth', 'bad')).toEqual(wrong)
      expect(await spend('fifth')).toEqual(right)
      expect(await spend('sixth')).toEqual(wrong)
    })

    test('a hundred guesses at once are five tries', async () => {
      await issue('guessed')
      const guesses = Array.from({ length: 100 }, (_, i) => spend('guessed', i === 99 ? 'good' : `bad ${i}`))
      expect(new Set((await Promise.all(guesses)).map(({ kind }) => kind))).toEqual(new Set(['wrong']))
      expect(await spend('guessed')).toEqual(wrong)
    })

    test('a code is good until the instant it expires', async () => {
      await issue('early')
      await issue('late')
      expect(await spend('early', 'good', noonMs + 10 * minuteMs - 1)).toEqual(right)
      expect(await spend('late', 'good', noonMs + 10 * minuteMs)).toEqual(wrong)
    })

    test('a new code drops the one before, and has five tries of its own', async () => {
      await issue('again', { codeHash: 'first' })
      for (let tried = 0; tried < 5; tried++) await spend('again', 'bad')
      await issue('again', { codeHash: 'second', payload: { firstName: 'Eve' } })
      expect(await spend('again', 'first')).toEqual(wrong)
      expect(await spend('again', 'second')).toEqual({ kind: 'right', payload: { firstName: 'Eve' } })
    })

    test('purposes and owners are apart, however alike they look to a database', async () => {
      for (const [i, owner] of naughty.entries()) {
        await issue(owner, { codeHash: `r${i}`, payload: { i: `r${i}` } })
        await issue(owner, { purpose: 'email-change', codeHash: `e${i}`, payload: { i: `e${i}` } })
      }
      for (const [i, owner] of naughty.entries()) {
        expect(await spend(owner, `e${i}`), owner).toEqual(wrong)
        expect(await spend(owner, `r${i}`), owner).toEqual({ kind: 'right', payload: { i: `r${i}` } })
        const changed = await codes.spend('email-change', owner, `e${i}`, noonMs)
        expect(changed, owner).toEqual({ kind: 'right', payload: { i: `e${i}` } })
      }
    })

    test('five are issued in any hour; the sixth leaves the fifth good', async () => {
      for (let i = 0; i < 5; i++) {
        const issued = await issue('often', { codeHash: `code ${i}`, issuedAtMs: noonMs + i * minuteMs })
        expect(issued).toEqual({ kind: 'issued' })
      }
      const lastInstantMs = noonMs + hourMs - 1
      expect(await issue('often', { issuedAtMs: lastInstantMs })).toEqual({ kind: 'too-many' })
      expect(await spend('often', 'code 4', noonMs + 5 * minuteMs)).toEqual(right)
      expect(await issue('often', { issuedAtMs: lastInstantMs })).toEqual({ kind: 'too-many' })
      expect(await issue('often', { issuedAtMs: noonMs + hourMs })).toEqual({ kind: 'issued' })
      expect(await issue('often', { issuedAtMs: noonMs + hourMs })).toEqual({ kind: 'too-many' })
      const other = await issue('often', { purpose: 'password-reset', issuedAtMs: lastInstantMs })
      expect(other).toEqual({ kind: 'issued' })
    })

    test('a renewed code gives back what the one before would have, with five tries of its own', async () => {
      const renew = (owner: string, codeHash: string, issuedAtMs: number) =>
        codes.renew({
          purpose: 'registration',
          owner,
          codeHash,
          issuedAtMs,
          expiresAtMs: issuedAtMs + 10 * minuteMs,
        })
      await issue('renewed')
      for (let tried = 0; tried < 5; tried++) await spend('renewed', 'bad')
      const renewal = await renew('renewed', 'second', noonMs + 30 * minuteMs)
      expect(renewal).toEqual({ kind: 'renewed', payload: { firstName: 'Ada' } })
      expect(await spend('renewed', 'good', noonMs + 31 * minuteMs)).toEqual(wrong)
      for (let i = 0; i < 3; i++) await renew('renewed', 'third', noonMs + 31 * minuteMs)
      expect(await renew('renewed', 'sixth', noonMs + 31 * minuteMs)).toEqual({ kind: 'too-many' })
      expect(await spend('renewed', 'third', noonMs + 31 * minuteMs)).toEqual(right)
      expect(await renew('renewed', 'spent', noonMs + 2 * hourMs)).toEqual({ kind: 'nothing-waits' })
      expect(await renew('never', 'x', noonMs)).toEqual({ kind: 'nothing-waits' })
    })

    test('twenty who ask for a code at once, at two gateways: five get one, and one of the five is good', async () => {
      const asked = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 ? codes : opened.others).issue({
            purpose: 'registration',
            owner: 'crowd',
            codeHash: `code ${i}`,
            payload: { firstName: 'Ada' },
            issuedAtMs: noonMs,
            expiresAtMs: noonMs + minuteMs,
          }),
        ),
      )
      const issued = asked.flatMap(({ kind }, i) => (kind === 'issued' ? [`code ${i}`] : []))
      expect(issued).toHaveLength(5)
      const trials = await Promise.all(issued.map((codeHash) => spend('crowd', codeHash)))
      expect(trials.filter(({ kind }) => kind === 'right')).toEqual([right])
    })

    test('what is forgotten is wrong, alone, and opens no way to more codes', async () => {
      await issue('kept')
      for (let i = 0; i < 5; i++) await issue('forgotten')
      await issue('forgotten', { purpose: 'email-change' })
      await codes.forget('registration', 'forgotten')
      await codes.forget('registration', 'never issued')
      expect(await spend('forgotten')).toEqual(wrong)
      expect(await issue('forgotten')).toEqual({ kind: 'too-many' })
      expect(await spend('kept')).toEqual(right)
      expect(await codes.spend('email-change', 'forgotten', 'good', noonMs)).toEqual(right)
    })

    test('a clock that steps back neither forgets nor breaks', async () => {
      for (let i = 0; i < 5; i++) await issue('back', { issuedAtMs: noonMs - i * minuteMs })
      expect(await issue('back', { issuedAtMs: noonMs - 2 * hourMs })).toEqual({ kind: 'too-many' })
    })

    test('rows that nobody needs are dropped as new ones come, those that are needed stay', async () => {
      const tomorrowMs = noonMs + 24 * hourMs
      const before = await opened.countRows()
      await issue('needed', { issuedAtMs: tomorrowMs, expiresAtMs: tomorrowMs + 3 * hourMs })
      for (let i = 0; i < before; i++) await issue(`fresh ${i}`, { issuedAtMs: tomorrowMs + 2 * hourMs })
      expect(before).toBeGreaterThan(20)
      expect(await opened.countRows()).toBe(before + 1)
      const trial = await codes.spend('registration', 'needed', 'good', tomorrowMs + 3 * hourMs - 1)
      expect(trial).toEqual(right)
    })
  })
}
