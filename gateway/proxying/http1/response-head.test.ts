import { describe, expect, it } from 'vitest'
import { readResponseHead, readTrailers } from './response-head.ts'

const head = (...lines: string[]): string => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`

describe('the fields of an answer', () => {
  it('have lower-case names, no spaces around their values, and a list when they are repeated', () => {
    const { status, headers } = readResponseHead(
      head(
        'Content-Type:text/plain',
        'X-A: \t a  b \t ',
        'X-Empty:',
        'Set-Cookie: a=1',
        'set-cookie: b=2',
        'SET-COOKIE: c=3',
      ),
      'GET',
    )
    expect(status).toBe(200)
    expect(headers).toEqual({
      'content-type': 'text/plain',
      'x-a': 'a  b',
      'x-empty': '',
      'set-cookie': ['a=1', 'b=2', 'c=3'],
    })
  })

  it('keep their bytes, those of UTF-8 that look like a space included', () => {
    const value = Buffer.from('à propos à', 'utf8').toString('latin1')
    expect(readResponseHead(head(`X: ${value}`), 'GET').headers.x).toBe(value)
  })

  it('are no way to the prototype', () => {
    const { headers } = readResponseHead(
      head('__proto__: x', 'constructor: a', 'toString: b', 'toString: c'),
      'GET',
    )
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype)
    expect(Object.entries(headers)).toEqual([
      ['constructor', 'a'],
      ['tostring', ['b', 'c']],
    ])
  })
})

describe('where the body ends', () => {
  it.each([
    ['GET', head('Content-Length: 5'), { kind: 'length', bytes: 5 }],
    ['GET', head('Transfer-Encoding: Chunked'), { kind: 'chunked' }],
    ['GET', head(), { kind: 'close' }],
    ['HEAD', head('Content-Length: 5'), { kind: 'none' }],
    ['HEAD', head('Transfer-Encoding: chunked'), { kind: 'none' }],
    ['GET', head('Content-Length: 5').replace('200 OK', '304 Not Modified'), { kind: 'none' }],
    ['GET', head().replace('200 OK', '204'), { kind: 'none' }],
    ['GET', head().replace('200 OK', '103 Early Hints'), { kind: 'none' }],
  ])('%s %j', (method, text, framing) => {
    expect(readResponseHead(text, method).framing).toEqual(framing)
  })

  it.each([
    ['GET', head('Content-Length: 5', 'Transfer-Encoding: chunked')],
    ['HEAD', head('Content-Length: 5', 'Transfer-Encoding: chunked')],
    ['GET', head('Content-Length: 5', 'Content-Length: 5')],
    ['GET', head('Content-Length: 5, 5')],
    ['GET', head('Content-Length: +5')],
    ['GET', head('Content-Length: 0x5')],
    ['GET', head('Content-Length:')],
    ['GET', head(`Content-Length: ${'9'.repeat(16)}`)],
    ['GET', head('Transfer-Encoding: gzip, chunked')],
    ['GET', head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
    ['GET', head('Transfer-Encoding: identity')],
    ['GET', head('Transfer-Encoding: chunked\t')],
    ['GET', head('Transfer-Encoding: chunked').replace('HTTP/1.1', 'HTTP/1.0')],
  ])('is in doubt for %s %j', (method, text) => {
    expect(() => readResponseHead(text, method)).toThrow(expect.objectContaining({ fault: 'broken' }))
  })
})

describe('what two readers could take differently is no answer', () => {
  it.each([
    head('X : a'),
    head('X: a', ' folded'),
    head('X: a\rY: b'),
    head('X: a\nY: b'),
    head('X: a\0b'),
    head(': a'),
    head('no colon'),
    head('X\x80: a'),
    head().replace('HTTP/1.1', 'HTTP/1.2'),
    head().replace('HTTP/1.1', 'http/1.1'),
    head().replace('200', '20'),
    head().replace('200', '2000'),
    head().replace('200', '099'),
    head().replace('\r\n', '\n'),
    ` ${head()}`,
    `\r\n${head()}`,
  ])('%j', (text) => {
    expect(() => readResponseHead(text, 'GET')).toThrow(expect.objectContaining({ fault: 'broken' }))
  })

  it.each(['X : a\r\n\r\n', 'X: a\nY: b\r\n\r\n', ' a\r\n\r\n', 'Content-Length: 5\r\n\r\n'])(
    'nor is %j a trailer',
    (text) => {
      expect(() => readTrailers(text)).toThrow(expect.objectContaining({ fault: 'broken' }))
    },
  )
})

describe('for how long a connection may be used again', () => {
  const kept = (version: string, ...lines: string[]) =>
    readResponseHead(head('Content-Length: 0', ...lines).replace('HTTP/1.1', version), 'GET').keptForMs
  it.each([
    ['HTTP/1.1', [], 30_000],
    ['HTTP/1.1', ['Connection: close'], 0],
    ['HTTP/1.1', ['Connection: X-Hop, Close'], 0],
    ['HTTP/1.0', [], 0],
    ['HTTP/1.0', ['Connection: Keep-Alive'], 30_000],
    ['HTTP/1.1', ['Keep-Alive: timeout=5'], 4_000],
    ['HTTP/1.1', ['Keep-Alive: max=9, timeout=5'], 4_000],
    ['HTTP/1.1', ['Keep-Alive: timeout=1'], 0],
    ['HTTP/1.1', ['Keep-Alive: timeout=600'], 30_000],
  ])('%s %j', (version, lines, ms) => {
    expect(kept(version, ...lines)).toBe(ms)
  })
})

it('a head of 16 kB is read in a few milliseconds, however it is made', () => {
  const long = 'a'.repeat(16_000)
  const lines = Array.from({ length: 4_000 }, () => 'a:').join('\r\n')
  for (const text of [head(`X: ${long}\0`), head(long), head(`${lines}\r\n\0`), head(lines)]) {
    const from = performance.now()
    for (let i = 0; i < 10; i++) {
      try {
        readResponseHead(text, 'GET')
      } catch {}
    }
    expect(performance.now() - from).toBeLessThan(500)
  }
})
