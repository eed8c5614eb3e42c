import type { Socket } from 'node:net'
import { ExchangeError } from '../exchange-error.ts'
import type { HeaderFields, HttpRequest } from '../send-http.ts'
import { ChunkedBody } from './chunked-body.ts'
import { Deadline } from './deadline.ts'
import { requestHead } from './request-head.ts'
import { maxHeadBytes, type ResponseHead, readResponseHead } from './response-head.ts'
import { Upload, type UploadOwner } from './upload.ts'

/** One request and its answer, as a connection sees it. */
export interface Exchange {
  readonly request: HttpRequest
  /** Told right before the first byte is written. False: it is not wanted any more. */
  begun(connection: Connection): boolean
  /** An interim answer. */
  informed(head: ResponseHead): void
  answered(head: ResponseHead): void
  /** False: no more, please, until `connection.resume()`. */
  received(chunk: Buffer): boolean
  ended(trailers: HeaderFields): void
  /** @param wasReused the connection had carried others before: the target may never have seen this one */
  failed(error: Error, wasReused: boolean): void
}

export interface ConnectionOwner {
  /** It may carry the next exchange. */
  freed(connection: Connection): void
  /** It is of no use any more. */
  closed(connection: Connection): void
}

export interface ConnectionOptions {
  readonly authority: string
  /** From the request's end to the head of the answer; a request may have its own. */
  readonly responseTimeoutMs: number
  /** Longest silence within an answer. */
  readonly idleTimeoutMs: number
}

type Reading = 'head' | 'length' | 'chunked' | 'close'

const noTrailers: HeaderFields = {}

/**
 * An open connection to a target: carries one exchange after the other, by HTTP/1.1. Strict in what it takes for an
 * answer, and of no further use after anything that could leave doubt about what comes next.
 */
export class Connection implements UploadOwner {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #owner: ConnectionOwner
  readonly #deadline = new Deadline(() => this.#tooLate())
  #exchange: Exchange | null = null
  #requests = 0
  #upload: Upload | null = null
  #responseTimeoutMs = 0
  #reading: Reading = 'head'
  /** The beginning of a head. */
  #held: Buffer | null = null
  #left = 0
  #chunks: ChunkedBody | null = null
  #keptForMs = 0
  #isClosed = false

  constructor(socket: Socket, options: ConnectionOptions, owner: ConnectionOwner) {
    this.#socket = socket
    this.#options = options
    this.#owner = owner
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('end', () => this.#ended())
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new ExchangeError('lost', 'the target closed the connection')))
  }

  /** Begins an exchange; there is none yet. */
  send(exchange: Exchange): void {
    let head: string
    const { request } = exchange
    try {
      head = requestHead(request, this.#options.authority)
    } catch (error) {
      exchange.failed(error as Error, false)
      return void this.#owner.freed(this)
    }
    if (!exchange.begun(this)) return void this.#owner.freed(this)
    this.#exchange = exchange
    this.#requests++
    this.#reading = 'head'
    this.#responseTimeoutMs = request.responseTimeoutMs ?? this.#options.responseTimeoutMs
    this.#deadline.set(this.#responseTimeoutMs)
    if (request.body === null) this.#socket.write(head, 'latin1')
    else {
      this.#upload = new Upload(request.body, this.#socket, this)
      this.#upload.start(head)
    }
  }

  /** Closes it at once; the exchange that is under way, when there is one, has failed. */
  abort(reason: Error): void {
    this.#fail(reason)
  }

  /** After `received` returned false, when there is room again. */
  resume(): void {
    // Until now the silence was not the target's.
    this.#deadline.set(this.#options.idleTimeoutMs)
    this.#socket.resume()
  }

  uploaded(isWhole: boolean): void {
    if (isWhole) this.#upload = null
    if (this.#reading === 'head') this.#deadline.set(this.#responseTimeoutMs)
  }

  uploadFailed(error: Error): void {
    this.#fail(error)
  }

  #take(bytes: Buffer): void {
    try {
      let rest: Buffer | null = bytes
      while (rest !== null) rest = this.#takeSome(rest)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** @returns what is left to take; null: nothing */
  #takeSome(bytes: Buffer): Buffer | null {
    const exchange = this.#exchange
    if (exchange === null) throw new ExchangeError('broken', 'the target sent what nobody had asked for')
    switch (this.#reading) {
      case 'head':
        return this.#takeHead(exchange, bytes)
      case 'length':
        return this.#takeLength(exchange, bytes)
      case 'chunked':
        return this.#takeChunks(bytes)
      case 'close':
        this.#deadline.set(this.#options.idleTimeoutMs)
        this.#pass(exchange, bytes)
        return null
    }
  }

  #takeHead(exchange: Exchange, bytes: Buffer): Buffer | null {
    const all = this.#held === null ? bytes : Buffer.concat([this.#held, bytes])
    const end = all.indexOf('\r\n\r\n', Math.max(0, (this.#held?.length ?? 0) - 3), 'latin1') + 4
    if ((end < 4 ? all.length : end) > maxHeadBytes)
      throw new ExchangeError('broken', 'the head of the answer is too long')
    this.#held = end < 4 ? all : null
    if (end < 4) return null
    const head = readResponseHead(all.toString('latin1', 0, end), exchange.request.method)
    const rest = end < all.length ? all.subarray(end) : null
    if (head.status >= 200) return this.#begin(exchange, head, rest)
    if (head.status === 101)
      throw new ExchangeError('broken', 'the target switched to a protocol that nobody had asked for')
    // RFC 9110 §15.2: a 100 is understood even by who has not asked, and says nothing to anybody else.
    if (head.status > 101) exchange.informed(head)
    return this.#exchange === exchange ? rest : null
  }

  #begin(exchange: Exchange, head: ResponseHead, rest: Buffer | null): Buffer | null {
    const { framing } = head
    this.#keptForMs = head.keptForMs
    if (framing.kind === 'length') this.#left = framing.bytes
    if (framing.kind === 'chunked') {
      this.#chunks = new ChunkedBody({ data: (chunk) => this.#pass(exchange, chunk) })
    }
    this.#deadline.set(this.#options.idleTimeoutMs)
    const isOver = framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0)
    this.#reading = framing.kind === 'none' ? 'length' : framing.kind
    exchange.answered(head)
    if (this.#exchange !== exchange) return null
    if (isOver) this.#finish(exchange, noTrailers, rest === null)
    return isOver ? null : rest
  }

  #takeLength(exchange: Exchange, bytes: Buffer): null {
    const isMore = bytes.length > this.#left
    const chunk = isMore ? bytes.subarray(0, this.#left) : bytes
    this.#left -= chunk.length
    if (this.#left > 0) this.#deadline.set(this.#options.idleTimeoutMs)
    this.#pass(exchange, chunk)
    if (this.#left === 0) this.#finish(exchange, noTrailers, !isMore)
    return null
  }

  #takeChunks(bytes: Buffer): null {
    const chunks = this.#chunks as ChunkedBody
    const exchange = this.#exchange as Exchange
    this.#deadline.set(this.#options.idleTimeoutMs)
    const taken = chunks.push(bytes)
    if (chunks.trailers !== null) this.#finish(exchange, chunks.trailers, taken === bytes.length)
    return null
  }

  #pass(exchange: Exchange, chunk: Buffer): void {
    // It may have been given up by who got the chunk before this one.
    if (this.#exchange === exchange && !exchange.received(chunk)) this.#socket.pause()
  }

  /** @param isClean nothing came behind the answer */
  #finish(exchange: Exchange, trailers: HeaderFields, isClean: boolean): void {
    if (this.#exchange !== exchange) return
    const isKept = isClean && this.#keptForMs > 0 && this.#upload === null && this.#socket.writable
    this.#exchange = null
    this.#chunks = null
    if (isKept) {
      if (this.#socket.isPaused()) this.#socket.resume()
      this.#deadline.set(this.#keptForMs)
    } else this.#close()
    exchange.ended(trailers)
    if (isKept && !this.#isClosed) this.#owner.freed(this)
  }

  /** The target has said all it will say. */
  #ended(): void {
    const exchange = this.#exchange
    if (exchange !== null && this.#reading === 'close') this.#finish(exchange, noTrailers, false)
    else this.#fail(new ExchangeError('lost', 'the target closed the connection'))
  }

  #tooLate(): void {
    const exchange = this.#exchange
    if (exchange === null) return void this.#close()
    // As long as the client has the word, or has no room, the silence is not the target's.
    const isWaiting =
      this.#reading === 'head'
        ? this.#upload !== null && !this.#socket.writableNeedDrain
        : this.#socket.isPaused()
    if (isWaiting)
      this.#deadline.set(this.#reading === 'head' ? this.#responseTimeoutMs : this.#options.idleTimeoutMs)
    else this.#fail(new ExchangeError('slow', 'the target did not answer in time'))
  }

  #fail(error: Error): void {
    const exchange = this.#exchange
    this.#exchange = null
    this.#close()
    exchange?.failed(error, this.#requests > 1)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#deadline.clear()
    this.#upload?.stop()
    this.#upload = null
    this.#held = null
    this.#socket.destroy()
    this.#owner.closed(this)
  }
}
