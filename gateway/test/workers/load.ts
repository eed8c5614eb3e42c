import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

export interface Load extends AsyncDisposable {
  /** Answers so far, by status. */
  readonly answers: ReadonlyMap<number, number>
  /** What went wrong with a call, in the client's words. */
  readonly failures: readonly string[]
}

/** Eight calls at a time, again and again on kept-alive connections, until disposed. */
export function startLoad(url: string): Load {
  const agent = new Agent({ connections: 8 })
  const answers = new Map<number, number>()
  const failures: string[] = []
  let isOver = false
  const callers = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      try {
        const { statusCode, body } = await request(url, { dispatcher: agent })
        await body.dump()
        answers.set(statusCode, (answers.get(statusCode) ?? 0) + 1)
      } catch (error) {
        failures.push(String(error))
      }
      // The gateways share this machine's processors.
      await sleep(2)
    }
  })
  return {
    answers,
    failures,
    async [Symbol.asyncDispose]() {
      isOver = true
      await Promise.all(callers)
      await agent.close()
    },
  }
}
