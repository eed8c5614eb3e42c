import { describe, expect, it } from 'vitest'
import type { Keeping, Responses, StoredResponse } from './responses.ts'

export interface OpenedResponses {
  readonly responses: Responses
  /** Lets this much time pass. */
  pass(ms: number): Promise<void>
}

export const storedResponse = (body: string | Buffer = 'hello'): StoredResponse => ({
  status: 200,
  headers: { 'content-type': 'text/plain', link: ['<a>', '<b>'], etag: '"é"' },
  body: Buffer.from(body),
  receivedAtMs: 1_000,
  initialAgeMs: 5,
  lifetime: { freshForMs: 60_000, alwaysAsk: false, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 },
})

export const keepingOf = (changes: Partial<Keeping> = {}): Keeping => ({
  key: 'p\nsite\n/a',
  by: ['accept'],
  variant: 'p\nsite\n/a\n\naccept:x',
  response: storedResponse(),
  groups: ['path /a', 'tag news'],
  keepMs: 60_000,
  askedMsAgo: 0,
  ...changes,
})

/** @param open an empty place that keeps at most 10,000 bytes of one answer */
export function responsesContract(home: string, open: () => Promise<OpenedResponses>): void {
  describe(`responses (${home})`, () => {
    it('finds what was kept, byte for byte, in the order asked', async () => {
      const { responses } = await open()
      const body = Buffer.from([0, 255, 13, 10, 128])
      const kept = keepingOf({ response: storedResponse(body) })
      expect(await responses.keep(kept)).toBe(true)
      const [missing, response, marker] = await responses.find(['nothing', kept.variant, kept.key])
      expect(missing).toBeNull()
      expect(response).toEqual({ kind: 'response', response: storedResponse(body) })
      expect(marker).toEqual({ kind: 'varies', by: ['accept'] })
    })

    it('keeps nothing longer than told', async () => {
      const { responses, pass } = await open()
      const kept = keepingOf({ keepMs: 300 })
      await responses.keep(kept)
      await pass(400)
      expect(await responses.find([kept.variant, kept.key])).toEqual([null, null])
    })

    it('a marker lives as long as the longest of its variants', async () => {
      const { responses, pass } = await open()
      const long = keepingOf()
      await responses.keep(long)
      await responses.keep(keepingOf({ variant: 'other', keepMs: 200 }))
      await pass(300)
      const found = await responses.find([long.key, long.variant, 'other'])
      expect(found.map((entry) => entry?.kind)).toEqual(['varies', 'response', undefined])
    })

    it('refuses what is larger than one answer may be', async () => {
      const { responses } = await open()
      const kept = keepingOf({ response: storedResponse(Buffer.alloc(10_001)) })
      expect(await responses.keep(kept)).toBe(false)
      expect(await responses.find([kept.variant, kept.key])).toEqual([null, null])
    })

    it('forgets the keys it is told to', async () => {
      const { responses } = await open()
      const kept = keepingOf()
      await responses.keep(kept)
      await responses.forget([kept.variant])
      expect((await responses.find([kept.variant]))[0]).toBeNull()
    })

    it('purges every answer of a group and no other, and tells how many', async () => {
      const { responses } = await open()
      await responses.keep(keepingOf())
      await responses.keep(keepingOf({ variant: 'second', groups: ['path /b', 'tag news'] }))
      await responses.keep(keepingOf({ variant: 'third', groups: ['path /c'] }))
      expect(await responses.purge('tag news')).toBe(2)
      expect(await responses.purge('tag news')).toBe(0)
      const found = await responses.find([keepingOf().variant, 'second', 'third'])
      expect(found.map((entry) => entry?.kind)).toEqual([undefined, undefined, 'response'])
    })

    it('an answer that was asked for before a purge does not come back with it, a later one does', async () => {
      const { responses, pass } = await open()
      await responses.purge('path /a')
      await pass(100)
      expect(await responses.keep(keepingOf({ askedMsAgo: 1_000 }))).toBe(false)
      expect(await responses.keep(keepingOf({ askedMsAgo: 10 }))).toBe(true)
    })

    it('what replaces an answer belongs to the groups of the new one', async () => {
      const { responses } = await open()
      await responses.keep(keepingOf())
      await responses.keep(keepingOf({ response: storedResponse('new'), groups: ['path /a'] }))
      const [found] = await responses.find([keepingOf().variant])
      expect(found?.kind === 'response' && found.response.body.toString()).toBe('new')
      expect(await responses.purge('path /a')).toBe(1)
    })
  })
}
