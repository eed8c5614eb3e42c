import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChunkedBody } from './chunked-body.ts'

/** Reads `bytes` in pieces that end at `cuts`. */
function read(bytes: string, cuts: readonly number[] = []) {
  let body = ''
  let taken = 0
  const reader = new ChunkedBody({ data: (chunk) => (body += chunk.toString('latin1')) })
  const ends = [...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length]
  let from = 0
  for (const end of ends) {
    if (reader.trailers === null) taken += reader.push(Buffer.from(bytes.slice(from, end), 'latin1'))
    from = end
  }
  return { body, taken, trailers: reader.trailers }
}

describe('a body in chunks', () => {
  const chunk = fc.record({
    data: fc.string({ unit: fc.constantFrom('x', '\r', '\n', '0', ';'), minLength: 1, maxLength: 300 }),
    extension: fc.constantFrom('', '', ';a', ';a=b;c', ';a="b; \\" c";d=1'),
    isUpper: fc.boolean(),
    zeros: fc.nat(3),
  })

  it('is the same whatever pieces it comes in, and what is behind it is left', () => {
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 6 }),
        fc.boolean(),
        fc.array(fc.nat(2_000)),
        (chunks, hasTrailers, cuts) => {
          const sent = chunks.map(({ data, extension, isUpper, zeros }) => {
            const size = data.length.toString(16)
            return `${'0'.repeat(zeros)}${isUpper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`
          })
          const bytes = `${sent.join('')}0\r\n${hasTrailers ? 'X-Sum: 1\r\nx-sum:2\r\n' : ''}\r\n`
          const behind = 'HTTP/1.1 200 OK'
          const { body, taken, trailers } = read(bytes + behind, [...cuts, bytes.length])
          expect(body).toBe(chunks.map(({ data }) => data).join(''))
          expect(trailers).toEqual(hasTrailers ? { 'x-sum': ['1', '2'] } : {})
          expect(taken).toBe(bytes.length)
          expect(read(bytes + behind, cuts).body).toBe(body)
        },
      ),
    )
  })

  it('has no end before its end', () => {
    const bytes = '5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\n'
    for (let end = 0; end < bytes.length; end++) {
      expect(read(bytes.slice(0, end)).trailers).toBeNull()
    }
  })

  it('is passed on as it came when a piece is nothing but data', () => {
    const passed: Buffer[] = []
    const reader = new ChunkedBody({ data: (piece) => passed.push(piece) })
    reader.push(Buffer.from('a\r\n'))
    const piece = Buffer.from('hello')
    reader.push(piece)
    expect(passed[0]).toBe(piece)
  })

  it.each([
    ['0x5\r\nhello\r\n'],
    ['-5\r\n'],
    [' 5\r\n'],
    ['5 \r\nhello\r\n'],
    ['\r\n'],
    [';a\r\n'],
    ['g\r\n'],
    ['5\nhello'],
    ['5;a\nhello'],
    ['5;a\0\r\nhello'],
    ['5;\r\nhello'],
    ['5;a=\r\nhello'],
    ['5;a b\r\nhello'],
    ['5;a="b\r\nhello'],
    ['5\r\nhello!\r\n'],
    ['5\r\nhello\n'],
    [`${'f'.repeat(13)}\r\n`],
    [`5;${'a'.repeat(5_000)}\r\n`],
    ['0\r\nX : a\r\n\r\n'],
    ['0\r\n folded\r\n\r\n'],
    [`0\r\nX: ${'a'.repeat(17_000)}`],
  ])('%j is none', (bytes) => {
    expect(() => read(bytes)).toThrow(expect.objectContaining({ fault: 'broken' }))
    const everywhere = Array.from({ length: bytes.length }, (_, index) => index)
    expect(() => read(bytes, everywhere)).toThrow(expect.objectContaining({ fault: 'broken' }))
  })
})
