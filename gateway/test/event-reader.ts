import { expect } from 'vitest'

export interface SeenEvent {
  readonly event: string
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON was sent
  readonly data: any
}

export interface EventReader extends AsyncDisposable {
  readonly status: number
  readonly headers: Headers
  readonly events: SeenEvent[]
  /** All that was sent, as it came. */
  text(): string
  /** The next event of this name that was not returned before. */
  next(event: string, timeoutMs?: number): Promise<SeenEvent>
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>
}

/** Server-sent events as they arrive. */
export async function readEvents(url: string, headers: Record<string, string>): Promise<EventReader> {
  const leaving = new AbortController()
  const response = await fetch(url, { headers, signal: leaving.signal })
  const events: SeenEvent[] = []
  let text = ''
  let returned = 0

  async function read(): Promise<void> {
    let block = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const blocks = (block + chunk).split('\n\n')
      block = blocks.pop() ?? ''
      for (const complete of blocks) {
        const fields = Object.fromEntries(
          complete.split('\n').map((line) => [line.split(': ', 1)[0], line.slice(line.indexOf(': ') + 2)]),
        )
        if (fields.event) events.push({ event: fields.event, id: fields.id, data: JSON.parse(fields.data) })
      }
    }
  }
  const ended = read().catch(() => undefined)

  return {
    status: response.status,
    headers: response.headers,
    events,
    text: () => text,
    async next(event, timeout = 5_000) {
      const find = () => events.findIndex((seen, i) => i >= returned && seen.event === event)
      await expect.poll(find, { timeout, interval: 5 }).not.toBe(-1)
      returned = find() + 1
      return events[returned - 1] as SeenEvent
    },
    ended,
    async [Symbol.asyncDispose]() {
      leaving.abort()
      await ended
    },
  }
}
