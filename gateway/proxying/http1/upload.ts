import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { RequestBody } from '../request-body.ts'
import type { RequestTrailers } from '../request-trailers.ts'
import { lastChunk } from './request-head.ts'

export interface UploadOwner {
  /** A piece has left, or the last one has. */
  uploaded(isWhole: boolean): void
  /** The client left, or sent something else than it had announced or than may be sent. */
  uploadFailed(error: Error): void
}

/** Writes a body behind the head of its request, no faster than the target reads. */
export class Upload {
  readonly #stream: Readable
  readonly #trailers: RequestTrailers | null
  readonly #socket: Socket
  readonly #owner: UploadOwner
  readonly #isChunked: boolean
  /** Empty when it has left. */
  #head = ''
  /** Bytes still to come; NaN in chunks. */
  #left: number
  #isStopped = false

  constructor({ stream, length, trailers }: RequestBody, socket: Socket, owner: UploadOwner) {
    this.#stream = stream
    this.#trailers = trailers
    this.#socket = socket
    this.#owner = owner
    this.#isChunked = length === null
    this.#left = length ?? Number.NaN
  }

  /** Not before the body has begun: one that is broken from the start shall cost the target nothing. */
  start(head: string): void {
    this.#head = head
    this.#stream
      .on('data', this.#send)
      .on('end', this.#end)
      .on('close', this.#broken)
      .on('error', this.#broken)
    this.#socket.on('drain', this.#resume)
  }

  stop(): void {
    this.#isStopped = true
    this.#stream
      .off('data', this.#send)
      .off('end', this.#end)
      .off('close', this.#broken)
      .off('error', this.#broken)
    // One that fails later has nobody else to tell.
    this.#stream.on('error', () => undefined)
    this.#socket.off('drain', this.#resume)
  }

  readonly #send = (chunk: Buffer): void => {
    // Who heard of this very piece before us may have given the exchange up.
    if (this.#isStopped) return
    this.#left -= chunk.length
    if (this.#left < 0) return void this.#owner.uploadFailed(new Error('the body is longer than announced'))
    const socket = this.#socket
    // One write for what belongs together.
    socket.cork()
    const size = this.#isChunked ? `${chunk.length.toString(16)}\r\n` : ''
    this.#writeText(size)
    let hasRoom = socket.write(chunk)
    if (this.#isChunked) hasRoom = socket.write('\r\n', 'latin1')
    socket.uncork()
    if (!hasRoom) this.#stream.pause()
    this.#owner.uploaded(false)
  }

  readonly #end = (): void => {
    if (this.#left > 0) return void this.#owner.uploadFailed(new Error('the body is shorter than announced'))
    try {
      this.#writeText(this.#isChunked ? lastChunk(this.#trailers?.fields() ?? {}) : '')
    } catch (error) {
      return void this.#owner.uploadFailed(error as Error)
    }
    this.stop()
    this.#owner.uploaded(true)
  }

  /** Behind the head, when that has not left yet. */
  #writeText(text: string): void {
    const all = this.#head + text
    this.#head = ''
    if (all !== '') this.#socket.write(all, 'latin1')
  }

  readonly #broken = (error?: Error): void => {
    this.#owner.uploadFailed(error ?? new Error('the client left within its upload'))
  }

  readonly #resume = (): void => {
    this.#stream.resume()
  }
}
