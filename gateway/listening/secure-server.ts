import type { ServerOptions } from 'node:http'
import { Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Certificate } from './certificate.ts'
import { type Http2Sessions, openHttp2Sessions } from './http2-sessions.ts'

export interface Http1Options extends ServerOptions {
  readonly headersTimeout: number
  readonly keepAliveTimeout: number
}

/** Older ones are broken (RFC 8996). */
const minVersion = 'TLSv1.2'

/**
 * HTTP/1.1 and HTTP/2 over TLS on one port, as the client chooses (ALPN). To HTTP/1.1 it is Node's server as it is;
 * requests by HTTP/2 come as the same events, shaped alike.
 */
export class SecureServer extends Server {
  readonly #sessions: Http2Sessions | null

  /** @param isHttp2 whether HTTP/2 is offered beside HTTP/1.1 */
  constructor({ cert, key }: Certificate, isHttp2: boolean, http1: Http1Options) {
    const { headersTimeout: headersTimeoutMs, keepAliveTimeout: idleMs } = http1
    super({
      ...http1,
      ...{ cert, key, minVersion, handshakeTimeout: headersTimeoutMs },
      ALPNProtocols: isHttp2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    })
    // Who fails to shake hands cannot read an answer.
    this.removeAllListeners('tlsClientError').on('tlsClientError', (_error, socket) => socket.destroy())
    this.#sessions = isHttp2 ? openHttp2Sessions({ headersTimeoutMs, idleMs }) : null
    if (this.#sessions !== null) this.#take(this.#sessions)
  }

  /** For connections from now on; those that are open keep theirs. */
  replaceCertificate({ cert, key }: Certificate): void {
    this.setSecureContext({ cert, key, minVersion })
  }

  /** Tells HTTP/2 clients to go elsewhere; HTTP/1.1 clients are told with their next answer. */
  announceEnd(): void {
    this.#sessions?.end()
  }

  override closeIdleConnections(): void {
    super.closeIdleConnections()
    this.#sessions?.end()
  }

  override closeAllConnections(): void {
    super.closeAllConnections()
    this.#sessions?.destroy()
  }

  #take({ server }: Http2Sessions): void {
    const [speakHttp1] = this.listeners('secureConnection')
    this.removeAllListeners('secureConnection').on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') server.emit('connection', socket)
      else speakHttp1?.call(this, socket)
    })
    for (const event of ['request', 'checkContinue']) {
      server.on(event, (...told: unknown[]) => void this.emit(event, ...told))
    }
  }
}
