/**
 * Where one WebSocket frame ends and the next begins (RFC 6455 §5.2). It keeps nothing of any payload, so that
 * frames of whatever length pass at once.
 */
export class FrameReader {
  readonly #header = Buffer.alloc(14)
  #headerBytes = 0
  #payloadLeft = 0
  #hasClosed = false

  /** Whether a frame of ours could go between what was read and what comes next. */
  get isAtBoundary(): boolean {
    return this.#headerBytes === 0 && this.#payloadLeft === 0
  }

  /** Whether a close frame has begun: RFC 6455 §5.5.1 lets nothing follow it. */
  get hasClosed(): boolean {
    return this.#hasClosed
  }

  read(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) at = this.#readFrame(chunk, at)
  }

  /** Reads to the end of the frame under way, and says how many bytes of the chunk belong to it. */
  readRest(chunk: Buffer): number {
    return this.isAtBoundary ? 0 : this.#readFrame(chunk, 0)
  }

  /** Reads to the end of one frame or of the chunk, whichever comes first. */
  #readFrame(chunk: Buffer, start: number): number {
    let at = start
    while (this.#payloadLeft === 0 && at < chunk.length) {
      this.#header[this.#headerBytes++] = chunk[at++] as number
      if (this.#headerBytes < headerLength(this.#header, this.#headerBytes)) continue
      this.#headerBytes = 0
      this.#payloadLeft = payloadLength(this.#header)
      if (((this.#header[0] as number) & 0x0f) === closeOpcode) this.#hasClosed = true
      if (this.#payloadLeft === 0) return at
    }
    const taken = Math.min(this.#payloadLeft, chunk.length - at)
    this.#payloadLeft -= taken
    return at + taken
  }
}

const closeOpcode = 0x8

function headerLength(header: Buffer, known: number): number {
  if (known < 2) return 2
  const second = header[1] as number
  const length = second & 0x7f
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0)
}

function payloadLength(header: Buffer): number {
  const length = (header[1] as number) & 0x7f
  if (length === 126) return header.readUInt16BE(2)
  // Exact up to 8 PB.
  return length === 127 ? Number(header.readBigUInt64BE(2)) : length
}

/** RFC 6455 §7.4.1: we are going away; the caller may no longer be here. */
export type CloseCode = 1001 | 1008

/**
 * A close frame as a server sends it, unmasked.
 *
 * @param reason at most 123 bytes
 */
export function closeFrame(code: CloseCode, reason: string): Buffer {
  const text = Buffer.from(reason)
  const head = Buffer.from([0x80 | closeOpcode, 2 + text.length, code >> 8, code & 0xff])
  return Buffer.concat([head, text])
}
