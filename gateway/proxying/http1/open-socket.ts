import { connect as connectInClear, isIP, type Socket } from 'node:net'
import { connect as connectByTls } from 'node:tls'
import { ExchangeError } from '../exchange-error.ts'

export interface Place {
  readonly isSecure: boolean
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** Host and port, as a request names them. */
  readonly authority: string
}

export interface SocketOptions {
  /** Until the connection is there, TLS included. */
  readonly connectTimeoutMs: number
  /** PEM of the authority that signed the target's certificate, when it is a private one. */
  readonly ca?: string
}

/** @param url an origin, such as `https://127.0.0.1:3000` */
export function placeOf(url: string): Place {
  const { protocol, hostname, port, host } = new URL(url)
  const isSecure = protocol === 'https:'
  return {
    isSecure,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    authority: host,
  }
}

/** Opens sockets to one place; those by TLS begin where the last one left off. */
export class SocketOpener {
  readonly #place: Place
  readonly #options: SocketOptions
  #session: Buffer | undefined

  constructor(place: Place, options: SocketOptions) {
    this.#place = place
    this.#options = options
  }

  /** @param opened told once: with null when it may be written to, else why it cannot */
  open(opened: (error: Error | null, socket: Socket) => void): Socket {
    const { isSecure } = this.#place
    const socket = isSecure ? this.#openSecure() : connectInClear({ ...this.#address, ...socketOptions })
    const { connectTimeoutMs } = this.#options
    const timer = setTimeout(
      () => socket.destroy(new ExchangeError('unreachable', `no connection within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    )
    const settle = (error: Error | null): void => {
      clearTimeout(timer)
      socket.off('error', settle).off('close', closed)
      opened(error, socket)
    }
    const closed = (): void =>
      settle(new ExchangeError('unreachable', 'the connection was closed as it began'))
    socket.once(isSecure ? 'secureConnect' : 'connect', () => settle(null))
    socket.once('error', settle).once('close', closed)
    return socket
  }

  get #address(): { host: string; port: number } {
    return { host: this.#place.host, port: this.#place.port }
  }

  #openSecure(): Socket {
    const { host } = this.#place
    const { ca } = this.#options
    const socket = connectByTls({
      ...this.#address,
      ...socketOptions,
      // RFC 6066 §3: a name, never an address.
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['http/1.1'],
      ...(ca !== undefined && { ca }),
      ...(this.#session !== undefined && { session: this.#session }),
    })
    socket.on('session', (session) => {
      this.#session = session
    })
    return socket
  }
}

const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }
