import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2'

export interface Http2Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: string
  readonly trailers: Record<string, string | string[] | undefined>
  /** Status and headers of what came before. */
  readonly interim: readonly Record<string, unknown>[]
  /** As the stream was closed; 0 when cleanly. */
  readonly closedWith: number
}

export interface Http2Client extends AsyncDisposable {
  readonly session: ClientHttp2Session
  begin(headers: OutgoingHttpHeaders, body?: string | Buffer): ClientHttp2Stream
  ask(headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<Http2Answer>
}

/** One connection by HTTP/2, which is all that is offered. */
export async function connectHttp2(
  { url, ca }: { url: string; ca: string },
  settings: Parameters<typeof connect>[1] = {},
): Promise<Http2Client> {
  const session = connect(url, { ca, ...(settings as object) })
  session.on('error', () => {})
  await once(session, 'connect')
  const begin: Http2Client['begin'] = (headers, body) => {
    const stream = session.request(headers, { endStream: body === undefined })
    stream.on('error', () => {})
    if (body !== undefined) stream.end(body)
    return stream
  }
  return {
    session,
    begin,
    ask: (headers, body) => answerOf(begin(headers, body)),
    async [Symbol.asyncDispose]() {
      const closed = session.closed || session.destroyed ? null : once(session, 'close')
      session.destroy()
      await closed
    },
  }
}

/** All of an answer, or what has come of it when it was broken off. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  let headers: Record<string, string | string[] | undefined> = {}
  let trailers: typeof headers = {}
  const interim: Record<string, unknown>[] = []
  const chunks: Buffer[] = []
  stream.on('headers', (fields) => interim.push({ ...fields }))
  stream.on('response', (fields) => {
    headers = { ...fields } as typeof headers
  })
  stream.on('trailers', (fields) => {
    trailers = { ...fields } as typeof headers
  })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!stream.destroyed) await new Promise((resolve) => stream.once('close', resolve))
  const { ':status': status, ...rest } = headers
  return {
    status: Number(status ?? 0),
    headers: rest,
    body: Buffer.concat(chunks).toString(),
    trailers,
    interim,
    closedWith: stream.rstCode ?? 0,
  }
}
