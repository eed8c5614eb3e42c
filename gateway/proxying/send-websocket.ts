import { createHash } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { createProxyServer } from 'http-proxy'
import { ExchangeError } from './exchange-error.ts'
import { responseHeaders } from './response-headers.ts'
import type { HeaderFields, Sending } from './send-http.ts'
import type { ClientEnd } from './websocket/client-end.ts'

/** A WebSocket handshake with one target. */
export interface Handshake {
  /** Origin of the target, such as `https://127.0.0.1:3000`. */
  readonly url: string
  /** PEM of the authority that signed its certificate, when it is a private one. */
  readonly ca?: string
  /** Until the connection is there, TLS included. */
  readonly connectTimeoutMs: number
  /** From then on until the head of the answer. */
  readonly responseTimeoutMs: number
  /** The request target, byte for byte as the client sent it. */
  readonly target: string
  /** End-to-end ones, with ours. */
  readonly headers: HeaderFields
}

/** Told once how a handshake went. Headers come without hop-by-hop ones. */
export interface HandshakeOwner {
  /** The protocols are switched; frames follow as soon as this returns. */
  switched(headers: HeaderFields): void
  /** Any other answer. The client's end has been released. */
  answered(status: number, headers: HeaderFields, body: IncomingMessage): void
  /** No answer, and there will be none. The client's end has been released. */
  failed(error: Error): void
}

/**
 * Shakes hands with a target for the client and, when it has switched to WebSocket indeed, pipes the two together
 * until either leaves. http-proxy opens the connection and pipes; what passes, and when it ends, is decided here: by
 * itself it would rewrite headers and the target, believe any 101, and leave connections of clients who left.
 */
export function sendWebsocket(handshake: Handshake, client: ClientEnd, owner: HandshakeOwner): Sending {
  const exchange = new Exchange(handshake, client, owner)
  exchange.begin()
  return exchange
}

class Exchange implements Sending {
  readonly #handshake: Handshake
  readonly #client: ClientEnd
  readonly #owner: HandshakeOwner
  #asking: ClientRequest | null = null
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor(handshake: Handshake, client: ClientEnd, owner: HandshakeOwner) {
    this.#handshake = handshake
    this.#client = client
    this.#owner = owner
  }

  begin(): void {
    const { url, ca, target, headers } = this.#handshake
    const proxy = createProxyServer({ target: url, toProxy: true, secure: true, ...(ca && { ca }) })
    // Each error is told to the call, below; an emitter without a listener would throw it.
    proxy.on('error', () => {})
    proxy.on('proxyReqWs', (asking) => this.#ask(asking))
    const host = new URL(url).host
    const request = {
      method: 'GET',
      httpVersion: '1.1',
      httpVersionMajor: 1,
      url: target,
      headers: { ...headers, host, connection: 'Upgrade', upgrade: 'websocket' },
    }
    try {
      proxy.ws(request as IncomingMessage, this.#client, noHead, {}, (error) => this.#fail(error))
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  abort(reason: Error): void {
    this.#fail(reason)
  }

  /** Heard before http-proxy itself: its listeners come after. */
  #ask(asking: ClientRequest): void {
    this.#asking = asking
    asking.on('error', (error) => this.#fail(error))
    // http-proxy has joined it to a path of its own.
    asking.path = this.#handshake.target
    const { connectTimeoutMs, responseTimeoutMs, url } = this.#handshake
    this.#failAfter(
      connectTimeoutMs,
      new ExchangeError('unreachable', `no connection within ${connectTimeoutMs} ms`),
    )
    asking.once('socket', (socket) => {
      socket.once(url.startsWith('https:') ? 'secureConnect' : 'connect', () =>
        this.#failAfter(responseTimeoutMs, new ExchangeError('slow', 'the target did not answer in time')),
      )
    })
    asking.once('response', (answer) => this.#answered(answer))
    asking.once('upgrade', (answer, socket) => this.#upgraded(answer, socket as Socket))
  }

  #answered(answer: IncomingMessage): void {
    const status = answer.statusCode ?? 0
    if (status < 200 || status > 599) {
      this.#fail(new Error(`the upstream answered with the status ${status}`))
    } else if (this.#end()) {
      this.#client.release()
      this.#owner.answered(status, responseHeaders(answer.headers as HeaderFields, false), answer)
    } else answer.destroy()
  }

  #upgraded(answer: IncomingMessage, socket: Socket): void {
    if (!isAcceptance(answer, this.#handshake.headers['sec-websocket-key'])) {
      this.#fail(new Error('the upstream switched to something else than this WebSocket'))
      socket.destroy()
    } else if (this.#end()) {
      this.#client.once('close', () => socket.destroy())
      this.#client.open()
      this.#owner.switched(responseHeaders(answer.headers as HeaderFields, false))
    } else socket.destroy()
  }

  #fail(error: Error): void {
    if (!this.#end()) return
    this.#client.release()
    this.#asking?.destroy()
    this.#owner.failed(error)
  }

  /** Whether it is the first end. */
  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#timer)
    return true
  }

  #failAfter(ms: number, error: Error): void {
    clearTimeout(this.#timer)
    if (!this.#isOver) this.#timer = setTimeout(() => this.#fail(error), ms)
  }
}

/** What came after the client's handshake is in its socket, and waits there. */
const noHead = Buffer.alloc(0)

const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** RFC 6455 §4.1. An answer that a client would not believe opens no tunnel. */
function isAcceptance({ headers }: IncomingMessage, key: string | string[] | undefined): boolean {
  const accept = createHash('sha1').update(`${key}${acceptSuffix}`).digest('base64')
  return headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-accept'] === accept
}
