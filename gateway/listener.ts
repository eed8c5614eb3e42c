import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { replyWithError } from './error-reply.ts'
import { type ErrorCode, errorTable, GatewayError } from './errors.ts'
import { problemOf } from './problem.ts'
import { withoutOrigin } from './proxying/request-target.ts'

export interface ListenerOptions {
  readonly log: FastifyBaseLogger
  readonly requestTimeoutMs: number
  /** Longest body accepted, forwarded ones included; 1 MiB unless told. */
  readonly maxBodyBytes?: number
  /** Answers say `Connection: close` while true. */
  readonly draining: { readonly isDraining: boolean }
  /** Told of each request, before anything is done about it. */
  readonly began?: (response: ServerResponse) => void
}

/** A Fastify instance with the limits and the error answers that all listeners share. It stands behind a `Door`. */
export function createListener(options: ListenerOptions): FastifyInstance {
  const app = fastify({
    serverFactory: (handle) => createServer(countAndCut(handle, options)),
    // The road writes its own line at its end.
    logController: new LogController({ disableRequestLogging: true }),
    // One logger for all: a child per request costs more than the line it writes. Not as `loggerInstance`, for whose
    // sake Fastify would wait for the end of each response.
    childLoggerFactory: () => options.log,
    genReqId: createRequestIds(),
    routerOptions: { ignoreTrailingSlash: false },
    ...(options.maxBodyBytes === undefined ? {} : { bodyLimit: options.maxBodyBytes }),
    rewriteUrl: (raw) => withoutOrigin(raw.url ?? '', raw.headers.host),
    frameworkErrors: (error, request, reply) => replyWithError(error, request as never, reply as never),
    clientErrorHandler: refuseBrokenRequest(options.log),
  })
  app.setErrorHandler((error, request, reply) => replyWithError(error, request, reply))
  app.setNotFoundHandler((request, reply) => replyWithError(new GatewayError('not-found'), request, reply))
  // Node would close the connection without a word.
  app.server.on('connect', (_request, socket: Socket) => refuse(socket, 'method-not-allowed'))
  askForBodiesThatAreRead(app)
  limitParsedBodies(app, options.requestTimeoutMs)
  letArriveWhatCameTogether(app)
  closeConnectionsWhenDraining(app, options.draining)
  return app
}

/** Unique without a system call for each: a random prefix per process and a counter. */
function createRequestIds(): () => string {
  const prefix = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${prefix}-${(count++).toString(36)}`
}

/** `100 Continue` when somebody begins to read: a body that is refused, or whose app is away, need not be sent. */
function askForBodiesThatAreRead({ server }: FastifyInstance): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    request.once('resume', () => {
      if (!response.headersSent && !response.destroyed) response.writeContinue()
    })
    server.emit('request', request, response)
  })
}

/** A body that an endpoint of our own reads has to arrive as a whole within this time. */
function limitParsedBodies(app: FastifyInstance, withinMs: number): void {
  app.addHook('preParsing', async ({ raw }, _reply, payload) => {
    if (raw.headers['content-length'] === undefined && raw.headers['transfer-encoding'] === undefined)
      return payload
    const limited = payload.pipe(new PassThrough())
    const timer = setTimeout(() => limited.destroy(new GatewayError('request-timeout')), withinMs)
    // Not when the copy closes: one that nobody reads (an empty body, a refused one) never does.
    raw.once('close', () => clearTimeout(timer))
    raw.once('error', (error) => limited.destroy(error))
    // Of a GET nobody reads the body, nor hears of its end.
    return limited.on('error', () => {})
  })
}

/**
 * Tells `began` of each request, and cuts clients that take nothing of an answer that is complete and waits for them: one
 * under way has a clock of its own.
 */
function countAndCut(handle: RequestListener, { began, requestTimeoutMs }: ListenerOptions): RequestListener {
  function cutWhoTakesNothing(this: ServerResponse): void {
    // Most answers leave at once, and a clock is dear.
    if (this.writableLength > 0) this.setTimeout(requestTimeoutMs)
  }
  return (request, response) => {
    // First, since an answer may be complete before anybody else hears of its request.
    response.on('prefinish', cutWhoTakesNothing)
    began?.(response)
    handle(request, response)
  }
}

/**
 * Hooks run while Node still reads the bytes that the head came with: a refusal could not tell whether there is more to
 * come, and would close the connection. So each request waits once for the end of what has come.
 */
function letArriveWhatCameTogether(app: FastifyInstance): void {
  const arrived = Promise.resolve(undefined)
  app.addHook('onRequest', (_request, reply, done) => {
    // Unheard it would end the process.
    reply.raw.on('error', ignore)
    void arrived.then(done)
  })
}

/** Else clients that keep their connection alive hold the process for as long as they like. */
function closeConnectionsWhenDraining(app: FastifyInstance, draining: ListenerOptions['draining']): void {
  app.addHook('onRequest', (_request, reply, done) => {
    if (draining.isDraining) reply.header('connection', 'close')
    done()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (draining.isDraining) reply.header('connection', 'close')
    done(null, payload)
  })
}

function ignore(): void {}

/** What Node's parser refuses never becomes a request: answered on the bare socket, which is then closed. */
function refuseBrokenRequest(log: FastifyBaseLogger) {
  return function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
    // Answered already, and the rest of what was sent is no better.
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const code = parserErrors[error.code ?? ''] ?? 'invalid-request'
    // Not the error itself: it carries the bytes that came, and those are where secrets are.
    const { status } = errorTable[code]
    log.info(
      { status, code, reason: error.code, address: socket.remoteAddress },
      'refused before it was a request',
    )
    refuse(socket, code)
  }
}

function refuse(socket: Socket & { _httpMessage?: ServerResponse }, code: ErrorCode): void {
  // Within an answer that has begun, ours would become a part of its body. (So does Node's own handler.)
  if (!socket.writable || socket._httpMessage?.headersSent) return void socket.destroy()
  socket.on('error', () => {})
  const body = JSON.stringify(problemOf(new GatewayError(code), '-'))
  const { status, title } = errorTable[code]
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n` +
      `connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

const parserErrors: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
}
