import { Agent } from 'node:http'
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { askOver, askOverNode, connectTo, type Whole } from '../../test/proxying/exchange.ts'
import { startRawApp } from '../../test/proxying/raw-app.ts'

const answers = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: u\r\n\r\n',
  'HTTP/1.0 404 Not Found\r\nX-A:b\r\n\r\nall of it',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n',
]

/** What makes readers disagree, and some harmless things. */
const odd = fc.constantFrom(
  ...[
    '\r',
    '\n',
    '\r\n',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '0',
    '1',
    'f',
    '-',
    '+',
    '\x0b',
    '\x7f',
    '\x80',
    'é',
    '"',
    'a',
  ],
  ...[
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: x\r\n',
    '\r\n ',
    'HTTP/1.1 ',
    '0\r\n\r\n',
  ],
)
const change = fc.record({ at: fc.nat(), cut: fc.nat(3), put: fc.oneof(odd, fc.constant('')) })

function changed(bytes: string, changes: readonly { at: number; cut: number; put: string }[]): string {
  let all = bytes
  for (const { at, cut, put } of changes) {
    const place = at % (all.length + 1)
    all = all.slice(0, place) + put + all.slice(place + cut)
  }
  return all
}

it('what we take for an answer is one for Node too, and the same one', async () => {
  let bytes = ''
  const app = await startRawApp((socket) => socket.end(bytes, 'latin1'))
  onTestFinished(() => app[Symbol.asyncDispose]())
  const connections = connectTo(app.url)
  const agent = new Agent()
  let taken = 0
  /** Bytes behind a whole answer: we drop them with the connection, Node drops the answer as well. */
  const theirs = (): Promise<Whole> =>
    askOverNode(app.url, agent).catch(({ code, bytesParsed, message }) => {
      const end = { HPE_INVALID_CONSTANT: bytesParsed, HPE_CLOSED_CONNECTION: bytesParsed - 1 }[
        code as string
      ]
      if (end === undefined || end >= bytes.length) throw new Error(`${message} ${JSON.stringify(bytes)}`)
      bytes = bytes.slice(0, end)
      return theirs()
    })
  const property = fc.asyncProperty(
    fc.constantFrom(...answers),
    fc.array(change, { minLength: 1, maxLength: 3 }),
    async (answer, changes) => {
      bytes = changed(answer, changes)
      const ours = await askOver(connections, '/', true).answer.catch(() => null)
      if (ours === null) return
      taken++
      expect(ours).toEqual(await theirs())
    },
  )
  await fc.assert(property, { numRuns: 1_500 })
  // Else it would say nothing.
  expect(taken).toBeGreaterThan(200)
})
