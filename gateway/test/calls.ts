import { setTimeout as sleep } from 'node:timers/promises'

export interface SeenAnswer {
  /** 0 when the connection failed. */
  readonly status: number
  readonly headers: Headers
  readonly body: string
  /** On `performance.now()`'s clock. */
  readonly sentAtMs: number
  readonly durationMs: number
}

/** One call, measured from sending to the last byte; a connection that fails is an answer of status 0. */
export async function call(url: string, headers: Record<string, string> = {}): Promise<SeenAnswer> {
  const sentAtMs = performance.now()
  const seen = { status: 0, headers: new Headers(), body: '' }
  try {
    const response = await fetch(url, { headers })
    Object.assign(seen, { status: response.status, headers: response.headers, body: await response.text() })
  } catch (error) {
    seen.body = String(error)
  }
  return { ...seen, sentAtMs, durationMs: performance.now() - sentAtMs }
}

/** `count` calls at once, in turn to each of the addresses. */
export const callAtOnce = (
  count: number,
  urls: readonly string[],
  headers: Record<string, string>,
): Promise<SeenAnswer[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => call(urls[i % urls.length] as string, headers)))

export interface Load extends AsyncDisposable {
  readonly answers: SeenAnswer[]
  /** Lets the calls under way end; resolves with every answer. */
  stop(): Promise<SeenAnswer[]>
}

/** So many callers that each call again as soon as they were answered and have drawn breath. */
export function keepCalling(
  url: string,
  headers: Record<string, string>,
  { inFlight = 20, pauseMs = 10 } = {},
): Load {
  const answers: SeenAnswer[] = []
  let isStopped = false
  const callers = Array.from({ length: inFlight }, async () => {
    while (!isStopped) {
      answers.push(await call(url, headers))
      await sleep(pauseMs)
    }
  })
  const stop = async () => {
    isStopped = true
    await Promise.all(callers)
    return answers
  }
  return {
    answers,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

/** How many answers there were of each status. */
export function statuses(answers: readonly SeenAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** The series of a Prometheus text with all these labels, added up; 0 when there is none. */
export function sumOf(metrics: string, name: string, labels: Record<string, string> = {}): number {
  let sum = 0
  for (const line of metrics.split('\n')) {
    const [, series, rest = '', value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? []
    if (series !== name) continue
    if (Object.entries(labels).every(([label, text]) => rest.includes(`${label}="${text}"`))) {
      sum += Number(value)
    }
  }
  return sum
}

export const metricsOf = async ({ adminUrl }: { adminUrl: string }): Promise<string> =>
  (await fetch(`${adminUrl}/metrics`)).text()
