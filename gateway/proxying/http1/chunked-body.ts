import { ExchangeError } from '../exchange-error.ts'
import type { HeaderFields } from '../send-http.ts'
import { maxHeadBytes, readTrailers } from './response-head.ts'

/** Told what a body in chunks holds. */
export interface ChunkOwner {
  data(chunk: Buffer): void
}

const cr = 0x0d
const lf = 0x0a

/** More than any app sends, and fewer than a number holds exactly. */
const mostDigits = 12

/** Extensions are read and dropped; longer ones than this are an attack. */
const longestExtensions = 4_096

const extensions =
  /^(?:;[!#$%&'*+.^`|~\w-]+(?:=(?:[!#$%&'*+.^`|~\w-]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)*$/

/**
 * Takes a body of `Transfer-Encoding: chunked` apart, whatever pieces it comes in (RFC 9112 §7.1). Strict, since two
 * readers that disagree on a chunk's end disagree on where the next answer begins.
 */
export class ChunkedBody {
  /** Null until all of it has been read. */
  trailers: HeaderFields | null = null
  readonly #owner: ChunkOwner
  #at: 'size' | 'extension' | 'size-end' | 'data' | 'data-end' | 'trailers' = 'size'
  #digits = 0
  #extensions = ''
  /** Of the chunk that is being read; when `data-end`, of its CRLF. */
  #left = 0
  #trailerText = ''

  constructor(owner: ChunkOwner) {
    this.#owner = owner
  }

  /**
   * Reads on.
   *
   * @returns how many bytes were the body's: fewer than there are only when it has ended
   * @throws ExchangeError when this is no chunk
   */
  push(bytes: Buffer): number {
    let at = 0
    while (at < bytes.length && this.trailers === null) {
      switch (this.#at) {
        case 'data':
          at = this.#takeData(bytes, at)
          break
        case 'trailers':
          at = this.#takeTrailers(bytes, at)
          break
        default:
          this.#takeByte(bytes[at++] as number)
      }
    }
    return at
  }

  #takeData(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left)
    this.#left -= to - from
    if (this.#left === 0) {
      this.#at = 'data-end'
      this.#left = 2
    }
    this.#owner.data(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to))
    return to
  }

  /** Of a chunk's first line, or of the CRLF behind its data. */
  #takeByte(byte: number): void {
    switch (this.#at) {
      case 'size':
        return void this.#takeSize(byte)
      case 'extension':
        return void this.#takeExtension(byte)
      case 'size-end':
        if (byte !== lf) throw broken()
        this.#at = this.#left === 0 ? 'trailers' : 'data'
        return
      default:
        if (byte !== (this.#left === 2 ? cr : lf)) throw broken()
        if (--this.#left === 0) {
          this.#at = 'size'
          this.#digits = 0
        }
    }
  }

  #takeSize(byte: number): void {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      if (++this.#digits > mostDigits) throw broken()
      this.#left = this.#left * 16 + digit
      return
    }
    if (this.#digits === 0) throw broken()
    if (byte === cr) this.#at = 'size-end'
    else if (byte === 0x3b) {
      this.#at = 'extension'
      this.#extensions = ';'
    } else throw broken()
  }

  #takeExtension(byte: number): void {
    if (byte === lf || this.#extensions.length > longestExtensions) throw broken()
    if (byte !== cr) this.#extensions += String.fromCharCode(byte)
    else if (extensions.test(this.#extensions)) this.#at = 'size-end'
    else throw broken()
  }

  #takeTrailers(bytes: Buffer, from: number): number {
    const before = this.#trailerText.length
    this.#trailerText += bytes.toString('latin1', from, from + maxHeadBytes + 1 - before)
    const end = endOfLines(this.#trailerText)
    if (end < 0) {
      if (this.#trailerText.length > maxHeadBytes) throw broken()
      return from + this.#trailerText.length - before
    }
    this.trailers = readTrailers(this.#trailerText.slice(0, end))
    return from + end - before
  }
}

/** Behind the empty line; negative while there is none. */
function endOfLines(text: string): number {
  if (text.startsWith('\r\n')) return 2
  const end = text.indexOf('\r\n\r\n')
  return end < 0 ? -1 : end + 4
}

const broken = (): ExchangeError => new ExchangeError('broken', 'the answer has a chunk that is none')

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
