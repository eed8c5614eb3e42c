import type { Admission, AdmissionRequest } from './admission.ts'

/** More calls than this go to Redis in a second script, so that one never holds it for long. */
const callsPerScript = 200

/** What a call may change: count itself, be counted as denied (`countsDenied`, `ban`) but not admitted, or nothing. */
export type Purpose = 'count' | 'judge' | 'look'

export interface Asked {
  readonly request: AdmissionRequest
  readonly purpose: Purpose
}

interface Waiting extends Asked {
  readonly resolve: (admission: Admission) => void
  readonly reject: (error: unknown) => void
}

/** Calls that share a script, in their order. Used once. */
export interface AdmissionBatch {
  isEmpty(): boolean
  add(call: Asked): Promise<Admission>
  /** Settles when all of them have their answers; never rejects. */
  send(): Promise<unknown>
}

export function createAdmissionBatch(scripts: {
  admit(calls: readonly Asked[]): Promise<Admission[]>
}): AdmissionBatch {
  const waiting: Waiting[] = []

  async function sendPart(part: readonly Waiting[]): Promise<void> {
    try {
      const admissions = await scripts.admit(part)
      for (const [i, { resolve }] of part.entries()) resolve(admissions[i] as Admission)
    } catch (error) {
      for (const { reject } of part) reject(error)
    }
  }

  return {
    isEmpty: () => waiting.length === 0,
    add: ({ request, purpose }) =>
      new Promise((resolve, reject) => {
        waiting.push({ request, purpose, resolve, reject })
      }),
    send() {
      if (waiting.length <= callsPerScript) return sendPart(waiting)
      const parts: Promise<void>[] = []
      for (let from = 0; from < waiting.length; from += callsPerScript) {
        parts.push(sendPart(waiting.slice(from, from + callsPerScript)))
      }
      return Promise.all(parts)
    },
  }
}
