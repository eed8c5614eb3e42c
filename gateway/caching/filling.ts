import type { AnswerFilter, AnswerSink, AnswerSource, Failure, HeaderFields } from '../proxying/send-http.ts'
import { keyFor, variantKey } from './cache-key.ts'
import type { CacheableRequest } from './cache-request.ts'
import { hasValidator, isUnderstood, judgeAnswer, type Verdict } from './cacheable.ts'
import { isConfirmedBy, renewed, validatorsOf } from './conditional.ts'
import type { Found } from './find-stored.ts'
import type { Flight, Landing } from './flights.ts'
import { initialAgeMs, type ResponseHeaders } from './freshness.ts'
import { addressGroup, pathGroup, tagGroup, tagsOf } from './purge-group.ts'
import type { Responses, StoredResponse } from './responses.ts'
import { addCacheStatus, keptHeaders, storedAnswer } from './stored-answer.ts'
import { keepMs, usabilityOf } from './usability.ts'

/** How a request went, for the figures. */
export type CacheResult = 'hit' | 'miss' | 'stale' | 'revalidated' | 'bypass'

/** One question to the app that may end in an answer worth keeping. */
export interface Filling {
  readonly request: CacheableRequest
  /** As sent; and as routes are matched. */
  readonly target: string
  readonly path: string
  /** The route's name, for the figures. */
  readonly route: string
  /** What the app is asked about, if it is held already. */
  readonly found: Found | null
  /** Why the app is asked, as Cache-Status says it. */
  readonly reason: 'miss' | 'stale' | 'request'
  readonly flight: Flight | null
  /** On the clock of `performance.now()`. */
  readonly askedAtMs: number
}

export interface FillingOptions {
  readonly responses: Responses
  readonly maxEntryBytes: number
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly finished: (route: string, result: CacheResult) => void
}

/**
 * Asks the app in our own name: about what is held, or for the whole, so that there is something to keep.
 * What the client asked by its own validators is answered by us.
 */
export function fillingFilter(filling: Filling, options: FillingOptions): AnswerFilter {
  return ({ headers }, client) => {
    delete headers['if-none-match']
    delete headers['if-modified-since']
    if (filling.found !== null) Object.assign(headers, validatorsOf(filling.found.response.headers))
    return new FillingSink(filling, options, client)
  }
}

/** Statuses of an app in trouble, which a stale answer may stand in for (RFC 5861 §4). */
const trouble = new Set([500, 502, 503, 504])

/** What has to be asked about each time is nothing to wait for. */
function landingOf(
  { lifetime, audience }: Extract<Verdict, { kind: 'stored' }>,
  { initialAgeMs }: StoredResponse,
): Landing {
  const isFresh = !lifetime.alwaysAsk && lifetime.freshForMs > initialAgeMs
  return isFresh ? { kind: 'kept', audience } : { kind: 'not-shared' }
}

const nothingToResume: AnswerSource = { resume: () => undefined }

/**
 * Stands between the app's answer and the client: keeps a copy of what may be kept, turns a 304 to our own question
 * into the stored answer, and lets a stale one help out when the app fails. Only what arrived whole is kept.
 */
class FillingSink implements AnswerSink {
  readonly #filling: Filling
  readonly #options: FillingOptions
  readonly #client: AnswerSink
  #verdict: Verdict = { kind: 'not-stored' }
  #status = 0
  #headers: ResponseHeaders = {}
  #chunks: Buffer[] = []
  #bytes = 0
  #receivedAtMs = 0
  #initialAgeMs = 0
  /** The client has its answer from the store; what else the app says is dropped. */
  #isReplaced = false

  constructor(filling: Filling, options: FillingOptions, client: AnswerSink) {
    this.#filling = filling
    this.#options = options
    this.#client = client
  }

  informed(status: number, headers: HeaderFields): void {
    this.#client.informed(status, headers)
  }

  begin(status: number, headers: HeaderFields, source: AnswerSource): void {
    const { request, found, reason } = this.#filling
    this.#receivedAtMs = this.#options.now()
    if (status === 304 && found !== null) {
      this.#confirm(found, headers)
      return
    }
    if (trouble.has(status) && this.#helpsOut(`fwd-status=${status}`)) return
    this.#take(judgeAnswer(request, status, headers, this.#receivedAtMs), status, headers)
    const isKept = this.#verdict.kind === 'stored'
    if (!isKept) this.#land({ kind: isUnderstood(status) ? 'not-shared' : 'lost' })
    if (!isKept && found !== null && isUnderstood(status)) this.#drop(found)
    this.#finish('miss')
    addCacheStatus(headers, `fwd=${reason}${isKept ? '; stored' : ''}`)
    this.#client.begin(status, headers, source)
  }

  write(chunk: Buffer): boolean {
    if (this.#isReplaced) return true
    if (this.#verdict.kind === 'stored') {
      this.#bytes += chunk.length
      if (this.#bytes <= this.#options.maxEntryBytes) this.#chunks.push(chunk)
      else this.#giveUp()
    }
    return this.#client.write(chunk)
  }

  end(trailers: HeaderFields | null): void {
    if (this.#isReplaced) return
    if (this.#verdict.kind === 'stored') this.#keep(Buffer.concat(this.#chunks))
    this.#client.end(trailers)
  }

  failed(failure: Failure): void {
    if (this.#isReplaced) return
    if (!failure.hasAnswered && this.#helpsOut('detail=unreachable')) return
    this.#chunks = []
    this.#land({ kind: 'failed' })
    if (!failure.hasAnswered) this.#finish('miss')
    this.#client.failed(failure)
  }

  #take(verdict: Verdict, status: number, headers: ResponseHeaders): void {
    this.#status = status
    this.#headers = keptHeaders(headers, this.#receivedAtMs)
    // The place counts them too.
    this.#bytes = JSON.stringify(this.#headers).length + this.#filling.target.length + 1_024
    const announced = this.#bytes + (Number(headers['content-length']) || 0)
    this.#verdict = announced > this.#options.maxEntryBytes ? { kind: 'not-stored' } : verdict
    const delayMs = performance.now() - this.#filling.askedAtMs
    this.#initialAgeMs = initialAgeMs(headers, this.#receivedAtMs, delayMs)
  }

  /** The app says that what is stored is still right (RFC 9111 §4.3.4), or speaks of something else. */
  #confirm(found: Found, notModified: HeaderFields): void {
    if (isConfirmedBy(found.response.headers, notModified)) {
      this.#renew(found, renewed(found.response.headers, notModified))
      return
    }
    this.#isReplaced = true
    this.#drop(found)
    this.#land({ kind: 'failed' })
    const error = new Error('the upstream answered 304 about something that it was not asked about')
    this.#client.failed({ error, wasSent: true, hasInformed: false, hasAnswered: false, wasReused: false })
  }

  #renew(found: Found, headers: ResponseHeaders): void {
    const { request, reason } = this.#filling
    const { status, body } = found.response
    const verdict = judgeAnswer({ ...request, isHead: false }, status, headers, this.#receivedAtMs)
    this.#take(verdict, status, headers)
    const isKept = this.#verdict.kind === 'stored'
    const response = isKept ? this.#keep(body) : { ...found.response, headers: this.#headers }
    if (!isKept) {
      this.#land({ kind: 'not-shared' })
      this.#drop(found)
    }
    this.#finish('revalidated')
    this.#replace(response, `fwd=${reason}; fwd-status=304${isKept ? '; stored' : ''}`)
  }

  #helpsOut(detail: string): boolean {
    const { found, request } = this.#filling
    if (found === null) return false
    const now = this.#options.now()
    const usability = usabilityOf(found.response, request.directives, now)
    if (usability.kind !== 'to-validate' || !usability.mayHelpOut) return false
    this.#land({ kind: 'lost' })
    this.#finish('stale')
    this.#replace(found.response, `fwd=stale; ${detail}`)
    return true
  }

  #replace(response: StoredResponse, say: string): void {
    this.#isReplaced = true
    const { status, headers, body } = storedAnswer(this.#filling.request, response, this.#options.now(), say)
    this.#client.begin(status, headers, nothingToResume)
    if (body !== null && body.length > 0) this.#client.write(body)
    this.#client.end(null)
  }

  #keep(body: Buffer): StoredResponse {
    const { request, target, path, found } = this.#filling
    const verdict = this.#verdict as Extract<Verdict, { kind: 'stored' }>
    const response: StoredResponse = {
      status: this.#status,
      headers: this.#headers,
      body,
      receivedAtMs: this.#receivedAtMs,
      initialAgeMs: this.#initialAgeMs,
      lifetime: verdict.lifetime,
    }
    const key = keyFor(request, verdict.audience) as string
    const variant = variantKey(key, verdict.varyBy, request)
    if (found !== null && found.variant !== variant) this.#drop(found)
    const groups = [
      pathGroup(path),
      addressGroup(String(request.headers.host ?? ''), target),
      ...tagsOf(this.#headers).map(tagGroup),
    ]
    const ms = keepMs(response, hasValidator(this.#headers))
    const askedMsAgo = performance.now() - this.#filling.askedAtMs
    this.#options.responses
      .keep({ key, by: verdict.varyBy, variant, response, groups, keepMs: ms, askedMsAgo })
      .then(
        (isKept) => this.#land(isKept ? landingOf(verdict, response) : { kind: 'lost' }),
        () => this.#land({ kind: 'lost' }),
      )
    return response
  }

  #giveUp(): void {
    this.#verdict = { kind: 'not-stored' }
    this.#chunks = []
    this.#land({ kind: 'not-shared' })
  }

  /** Its place in the store is taken by what has come now. */
  #drop({ variant }: Found): void {
    this.#options.responses.forget([variant]).catch(() => undefined)
  }

  #finish(result: CacheResult): void {
    this.#options.finished(this.#filling.route, result)
  }

  #land(landing: Landing): void {
    this.#filling.flight?.land(landing)
  }
}
