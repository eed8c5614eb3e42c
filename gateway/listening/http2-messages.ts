import {
  constants,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { ReadableOptions } from 'node:stream'

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants

/** A request that came by HTTP/2, in the shape of one by HTTP/1.1, so that the road need not know. */
export class Http2Request extends Http2ServerRequest {
  // Fields, since the types know nothing of Node's accessors.
  override readonly headers: IncomingHttpHeaders
  override readonly rawHeaders: string[]

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    options: ReadableOptions,
    rawHeaders: string[],
  ) {
    super(stream, headers, options, rawHeaders)
    this.headers = plainHeaders(headers, !stream.endAfterHeaders)
    this.rawHeaders = plainLines(rawHeaders, headers[':authority'])
  }

  /** A body that its sender gives up would end like a complete one. */
  override push(chunk: unknown): boolean {
    if (chunk !== null || !this.stream.aborted) return super.push(chunk)
    this.destroy()
    return false
  }

  /** Node's own is silent too: whoever gives a body up says why elsewhere, and an unheard error ends the process. */
  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    done(null)
  }
}

/** The answer to it. */
export class Http2Response extends Http2ServerResponse {
  constructor(stream: ServerHttp2Stream) {
    super(stream)
    // Node cuts an HTTP/1.1 client that takes nothing by itself; here a stream, the others go on.
    this.on('timeout', () => {
      if (stream.writableLength > 0 || this.writableEnded) stream.close(NGHTTP2_CANCEL)
    })
  }

  override setHeader(name: string, value: number | string | readonly string[]): this {
    if (!ofConnection.has(name.toLowerCase())) super.setHeader(name, value)
    return this
  }

  override writeHead(status: number, ...rest: unknown[]): this {
    return super.writeHead(status, sendable(rest.at(-1)))
  }

  /** As Node's types know it of HTTP/1.1 alone. */
  writeInformation(status: number, headers: OutgoingHttpHeaders): boolean {
    const { stream } = this
    if (stream.destroyed || stream.closed || stream.headersSent) return false
    stream.additionalHeaders({ ...sendable(headers), ':status': status })
    return true
  }

  override addTrailers(trailers: OutgoingHttpHeaders): void {
    super.addTrailers(sendable(trailers))
  }

  /** With `prefinish`, as HTTP/1.1 has it, and an end for an upload that nobody wants any more. */
  // biome-ignore lint/suspicious/noExplicitAny: three signatures, none of which matters here
  override end(...all: any[]): this {
    super.end(...all)
    this.emit('prefinish')
    if (!this.req.complete) this.stream.close(NGHTTP2_NO_ERROR)
    return this
  }

  /** A stream that closes without an error would pass a part off as the whole. */
  override destroy(): this {
    if (!this.stream.closed) this.stream.close(NGHTTP2_INTERNAL_ERROR)
    return this
  }
}

// Also of a request without a body, which nobody will read.
defineGetter(Http2Request.prototype, 'complete', ({ stream, readableEnded }) => {
  return stream.endAfterHeaders || readableEnded || stream.destroyed
})

// Node's compatibility layer has none.
defineGetter(Http2Response.prototype, 'destroyed', ({ stream }) => stream.destroyed || stream.closed)

// Node ends the stream of a caller who has left, and takes that for the end of an answer.
defineGetter(Http2Response.prototype, 'writableFinished', ({ stream, writableEnded }) => {
  return writableEnded && stream.writableFinished && !stream.aborted
})

function defineGetter<Message extends object>(
  prototype: Message,
  name: keyof Message,
  get: (message: Message) => boolean,
): void {
  Object.defineProperty(prototype, name, {
    get(this: Message) {
      return get(this)
    },
  })
}

function plainHeaders(headers: IncomingHttpHeaders, hasBody: boolean): IncomingHttpHeaders {
  const plain: IncomingHttpHeaders = {}
  for (const name in headers) {
    if (!name.startsWith(':') && name !== '__proto__') plain[name] = headers[name]
  }
  if (headers[':authority'] !== undefined) plain.host = headers[':authority']
  // So that a body of unknown length is seen at all: HTTP/2 has no field for it, and lets none of this name through.
  if (hasBody && plain['content-length'] === undefined) plain['transfer-encoding'] = 'chunked'
  return plain
}

/** A Host that says the same as `:authority` is the same line; one that says otherwise stays, and is one too many. */
function plainLines(lines: readonly string[], authority: string | undefined): string[] {
  const plain = authority === undefined ? [] : ['host', authority]
  for (let i = 0; i < lines.length; i += 2) {
    const [name, value] = [lines[i] as string, lines[i + 1] as string]
    if (!name.startsWith(':') && !(name === 'host' && value === authority)) plain.push(name, value)
  }
  return plain
}

/** RFC 9113 §8.2.2. */
const ofConnection = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])

/** Without what speaks of a connection, and each field once, which RFC 9110 §5.3 allows for all but Set-Cookie. */
function sendable(headers: unknown): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries((headers ?? {}) as OutgoingHttpHeaders)) {
    const lower = name.toLowerCase()
    if (ofConnection.has(lower)) continue
    kept[lower] = Array.isArray(value) && lower !== 'set-cookie' ? value.join(', ') : value
  }
  return kept
}
