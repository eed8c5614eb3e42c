import type { LimitNewsChannel } from './limit-news.ts'
import type { Limiter } from './limiter.ts'
import { createQuotaStream, type EventSink, type QuotaStream } from './quota-stream.ts'
import type { QuotaRequest } from './read-quota.ts'

export interface QuotaStreamsOptions {
  readonly limiter: Pick<Limiter, 'look' | 'timeline'>
  readonly news: LimitNewsChannel
  readonly most?: number
  readonly mostPerCaller?: number
  /** Between two looks at calls that no news tells of. */
  readonly lookEveryMs?: number
  readonly beatEveryMs?: number
}

export type Opening = 'opened' | 'too-many-of-caller' | 'too-many' | 'ending'

export interface QuotaStreams {
  /**
   * @param caller whose streams are bounded together
   * @param closed resolves when the reader has left
   */
  open(caller: string, request: QuotaRequest, sink: EventSink, closed: Promise<unknown>): Opening
  /** Ends all streams, and tells their readers to come back: another gateway may be there. */
  end(): void
}

/** All streams of this gateway. Their looks are made in one turn, so that the store is asked in one batch. */
export function createQuotaStreams(options: QuotaStreamsOptions): QuotaStreams {
  const {
    limiter,
    news,
    most = 1_000,
    mostPerCaller = 4,
    lookEveryMs = 2_000,
    beatEveryMs = 15_000,
  } = options
  const streams = new Set<QuotaStream>()
  const byCaller = new Map<string, number>()
  const bySubject = new Map<string, Set<QuotaStream>>()
  let isEnding = false
  let timers: NodeJS.Timeout[] = []

  const stopListening = news.listen((heard) => {
    if (heard.kind === 'missed') return
    for (const stream of bySubject.get(heard.subject) ?? []) void stream.look()
  })

  function startTimers(): void {
    timers = [
      setInterval(() => {
        for (const stream of streams) void stream.look()
      }, lookEveryMs),
      setInterval(() => {
        for (const stream of streams) stream.beat()
      }, beatEveryMs),
    ]
  }

  function forget(stream: QuotaStream, caller: string, subjects: readonly string[]): void {
    stream.end()
    streams.delete(stream)
    const left = (byCaller.get(caller) ?? 1) - 1
    if (left === 0) byCaller.delete(caller)
    else byCaller.set(caller, left)
    for (const subject of subjects) {
      const watching = bySubject.get(subject)
      watching?.delete(stream)
      if (watching?.size === 0) bySubject.delete(subject)
    }
    if (streams.size === 0) for (const timer of timers) clearInterval(timer)
  }

  return {
    open(caller, request, sink, closed) {
      if (isEnding) return 'ending'
      if (streams.size >= most) return 'too-many'
      const open = byCaller.get(caller) ?? 0
      if (open >= mostPerCaller) return 'too-many-of-caller'
      const stream = createQuotaStream(limiter, request, sink)
      if (streams.size === 0) startTimers()
      streams.add(stream)
      byCaller.set(caller, open + 1)
      const subjects = subjectsOf(request)
      for (const subject of subjects) {
        const watching = bySubject.get(subject) ?? new Set()
        bySubject.set(subject, watching.add(stream))
      }
      void closed.then(() => forget(stream, caller, subjects))
      sink.write('retry: 2000\n\n')
      void stream.look()
      return 'opened'
    },
    end() {
      isEnding = true
      stopListening()
      for (const stream of streams) stream.end(`retry: ${lastRetryMs()}\n\n`)
    },
  }
}

/** Not all at once: those who come back together would meet the next gateway together. */
const lastRetryMs = (): number => 500 + Math.floor(Math.random() * 2_500)

/** By which news tell of a request's windows and session: the whole subject, or the first of its parts. */
function subjectsOf({ session, windows }: QuotaRequest): string[] {
  const names = windows.flatMap(({ subject }) => [subject, subject.split('+', 1)[0] as string])
  if (session !== null) names.push(`u:${session.accountId}`)
  return [...new Set(names)]
}
