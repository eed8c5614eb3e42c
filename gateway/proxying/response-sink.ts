import type { ServerResponse } from 'node:http'
import type { AnswerSink, AnswerSource, Failure, HeaderFields } from './send-http.ts'

/** What the writer of an answer leaves to the road. */
export interface AnswerOwner {
  /** Adds to an answer's headers what the gateway has to say. Called once, before anything is written. */
  completeHead(headers: HeaderFields): void
  /** No answer has begun, and none will come: one of our own takes its place. */
  refuse(error: Error): void
}

/**
 * Writes an answer straight to the client's response: the stream layers of a framework's reply would cost
 * as much as all the rest. Until the head is out, a failure can still become an error of ours.
 */
export class ResponseSink implements AnswerSink {
  readonly #response: ServerResponse
  readonly #owner: AnswerOwner
  /** How long a client may take nothing of an answer that waits for it. */
  readonly #silentClientMs: number
  #status = 0
  #headers: HeaderFields = {}
  #source: AnswerSource | null = null
  /** As the upstream announced it; NaN when it did not. */
  #length = Number.NaN
  #firstChunk: Buffer | null = null
  #isHeadHeld = false

  constructor(response: ServerResponse, owner: AnswerOwner, silentClientMs: number) {
    this.#response = response
    this.#owner = owner
    this.#silentClientMs = silentClientMs
  }

  informed(status: number, headers: HeaderFields): void {
    const response = this.#response
    // RFC 9110 §15.2: an HTTP/1.0 client knows none of these.
    if (response.req.httpVersion !== '1.0' && !response.destroyed) response.writeInformation(status, headers)
  }

  begin(status: number, headers: HeaderFields, source: AnswerSource): void {
    this.#owner.completeHead(headers)
    // Answered within its upload: nobody wants the rest, and only the connection's end will stop it.
    if (!this.#response.req.complete) headers.connection = 'close'
    this.#status = status
    this.#headers = headers
    this.#source = source
    this.#isHeadHeld = true
    // Where a length is announced a body follows, and one that breaks before its first byte can still become
    // an error of ours. Without one, what has come together leaves together: an event may be minutes away.
    this.#length = Number(headers['content-length'])
    if (Number.isNaN(this.#length)) process.nextTick(releaseHead, this)
  }

  write(chunk: Buffer): boolean {
    if (this.#response.destroyed) return true
    if (!this.#isHeadHeld) return this.#writeChunk(chunk)
    const first = this.#firstChunk
    if (first === null && !(chunk.length < this.#length)) {
      this.#firstChunk = chunk
      return true
    }
    this.#writeHead()
    if (first !== null) this.#response.write(first)
    return this.#writeChunk(chunk)
  }

  end(trailers: HeaderFields | null): void {
    const response = this.#response
    if (response.destroyed) return
    const lastChunk = this.#isHeadHeld ? this.#firstChunk : null
    if (this.#isHeadHeld) this.#writeHead()
    if (trailers !== null) response.addTrailers(trailers as NodeJS.Dict<string>)
    if (lastChunk === null) response.end()
    else response.end(lastChunk)
  }

  failed({ error }: Failure): void {
    const response = this.#response
    // Nobody is left to answer.
    if (response.destroyed) return
    this.#isHeadHeld = false
    // A clean end would pass a part off as the whole.
    if (response.headersSent) response.destroy()
    else this.#owner.refuse(error)
  }

  /** Sends a head that is held, with what has come of its body. */
  releaseHead(): void {
    if (!this.#isHeadHeld || this.#response.destroyed) return
    this.#writeHead()
    if (this.#firstChunk === null) this.#response.flushHeaders()
    else this.#writeChunk(this.#firstChunk)
  }

  #writeHead(): void {
    this.#isHeadHeld = false
    this.#response.writeHead(this.#status, this.#headers)
  }

  #writeChunk(chunk: Buffer): boolean {
    const response = this.#response
    if (response.write(chunk)) return true
    response.setTimeout(this.#silentClientMs)
    response.once('drain', () => {
      response.setTimeout(0)
      this.#source?.resume()
    })
    return false
  }
}

const releaseHead = (sink: ResponseSink): void => sink.releaseHead()
