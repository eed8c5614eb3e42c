import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type CloseCode, closeFrame, FrameReader } from './frames.ts'

export interface ClientEndTimes {
  /** How long a client may take nothing of what waits for it, and one side may stay when the other has ended. */
  readonly silentClientMs: number
  /** How long the two may take to close when we want them to. */
  readonly closingMs: number
}

/** After so much silence the kernel asks whether the peer is still there. */
const keepAliveMs = 30_000

/**
 * The client's end of a WebSocket, which http-proxy takes for the client's socket and pipes to and from the app's.
 * It lets nothing through before `open`, counts frames on their way to the client so that a close frame of ours never
 * falls into one, and takes both sockets down together.
 *
 * From the start it reads the client, at most one buffer full, since a client that leaves is not noticed otherwise.
 */
export class ClientEnd extends Duplex {
  readonly #client: Socket
  readonly #times: ClientEndTimes
  readonly #frames = new FrameReader()
  #state: 'waiting' | 'opening' | 'open' | 'closing' | 'closed' | 'released' = 'waiting'
  #closeFrame: Buffer | null = null
  #cutting: NodeJS.Timeout | undefined

  constructor(client: Socket, times: ClientEndTimes) {
    super()
    this.#client = client
    this.#times = times
    client.on('data', this.#fromClient)
    client.on('end', this.#clientEnded)
    client.on('close', this.#clientClosed)
    client.resume()
  }

  /** From here on frames pass, in both directions. The client must get its 101 before this turn ends. */
  open(): void {
    this.#state = 'opening'
    this.#client.setTimeout(0).setNoDelay(true).setKeepAlive(true, keepAliveMs)
    this.#client.on('timeout', this.#clientClosed)
  }

  /** Leaves the client's socket, with what was read from it, to an ordinary answer or another attempt. */
  release(): void {
    this.#state = 'released'
    const unread = this.read() as Buffer | null
    this.destroy()
    // Afterwards, since `read` asks for more.
    const client = this.#client.pause()
    if (unread !== null && !client.destroyed) client.unshift(unread)
  }

  /**
   * Sends a close frame as soon as the frame under way is over, and nothing of the app after it. The client's
   * own close frame, its answer to ours, tells the app; who does not close within `closingMs` is cut.
   */
  close(code: CloseCode, reason: string): void {
    if (this.#closeFrame !== null || this.destroyed) return
    this.#closeFrame = closeFrame(code, reason)
    this.#cutAfter(this.#times.closingMs)
    if (this.#frames.isAtBoundary) this.#sendCloseFrame()
    else this.#state = 'closing'
  }

  override _read(): void {
    this.#client.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const passed = this.#passing(chunk)
    if (this.#state === 'closing' && this.#frames.isAtBoundary) {
      this.#client.write(passed)
      this.#sendCloseFrame()
      done()
    } else if (passed.length === 0 || this.#client.write(passed)) done()
    else this.#waitForRoom(done)
  }

  override _final(done: () => void): void {
    this.#sideEnded()
    this.#client.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#cutting)
    const client = this.#client
    client.off('data', this.#fromClient).off('end', this.#clientEnded).off('close', this.#clientClosed)
    client.off('timeout', this.#clientClosed)
    if (this.#state !== 'released') client.destroy()
    done(error)
  }

  /** What of the app's bytes goes to the client. */
  #passing(chunk: Buffer): Buffer {
    switch (this.#state) {
      case 'open':
        this.#frames.read(chunk)
        return chunk
      case 'closing':
        return chunk.subarray(0, this.#frames.readRest(chunk))
      case 'opening':
        // The head that http-proxy writes; the client was sent ours.
        this.#state = 'open'
        return nothing
      default:
        return nothing
    }
  }

  #sendCloseFrame(): void {
    this.#state = 'closed'
    // Unless the frame under way was the app's own.
    if (!this.#frames.hasClosed) this.#client.write(this.#closeFrame as Buffer)
  }

  #waitForRoom(done: () => void): void {
    this.#client.setTimeout(this.#times.silentClientMs)
    this.#client.once('drain', () => {
      this.#client.setTimeout(0)
      done()
    })
  }

  /** What the other side has still to take may take its time, unless we are closing. */
  #sideEnded(): void {
    if (this.#closeFrame === null) this.#cutAfter(this.#times.silentClientMs)
  }

  #cutAfter(ms: number): void {
    clearTimeout(this.#cutting)
    this.#cutting = setTimeout(() => this.destroy(), ms)
  }

  readonly #fromClient = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#client.pause()
  }

  readonly #clientEnded = (): void => {
    if (this.#state === 'waiting') this.destroy()
    else {
      this.push(null)
      this.#sideEnded()
    }
  }

  readonly #clientClosed = (): void => void this.destroy()

  // What http-proxy asks of a socket beside the stream; the client's own is set up by `open`.
  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  destroySoon(): void {
    this.end()
  }
}

const nothing = Buffer.alloc(0)
