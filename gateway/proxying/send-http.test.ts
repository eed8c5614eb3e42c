import { expect, it, onTestFinished } from 'vitest'
import { connectTo } from '../test/proxying/exchange.ts'
import { startRawApp } from '../test/proxying/raw-app.ts'
import { type AnswerSink, type Failure, sendHttp } from './send-http.ts'

const get = {
  method: 'GET',
  target: '/',
  headers: {},
  body: null,
  takesTrailers: false,
  responseTimeoutMs: null,
}
const nobody = { answered: () => undefined, ended: () => undefined, failed: () => false }

it.each(['begin', 'write', 'end'] as const)(
  'a caller whose answer cannot be written hears of it (%s)',
  async (at) => {
    const app = await startRawApp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    onTestFinished(() => app[Symbol.asyncDispose]())
    const connections = connectTo(app.url)
    const { promise, resolve } = Promise.withResolvers<Failure>()
    const refused = new Error('no')
    const sink: AnswerSink = {
      informed: () => undefined,
      begin: () => undefined,
      write: () => true,
      end: () => undefined,
      failed: resolve,
      [at]: () => {
        throw refused
      },
    }
    sendHttp(connections, get, sink, nobody)
    expect(await promise).toMatchObject({ error: refused, hasAnswered: true })
  },
)
