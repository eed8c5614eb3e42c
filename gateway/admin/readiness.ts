/** Something the gateway needs; `isReady` resolves when it answers, rejects or says false when not. */
export interface ReadinessCheck {
  readonly name: string
  /** False for a store without which calls are still served: it is shown, and does not make the gateway unready. */
  readonly isRequired?: boolean
  isReady(): Promise<unknown>
}

export interface Readiness {
  readonly isReady: boolean
  readonly stores: Readonly<Record<string, 'up' | 'down'>>
}

/** Asks all at once; one that does not answer within the deadline is down. Never rejects. */
export async function readReadiness(
  checks: readonly ReadinessCheck[],
  deadlineMs = 1_000,
): Promise<Readiness> {
  const answers = await Promise.all(checks.map((check) => isUp(check, deadlineMs)))
  const stores = Object.fromEntries(
    checks.map(({ name }, index): [string, 'up' | 'down'] => [name, answers[index] ? 'up' : 'down']),
  )
  const isReady = checks.every(({ isRequired = true }, index) => answers[index] || !isRequired)
  return { isReady, stores }
}

async function isUp(check: ReadinessCheck, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, false)
  })
  try {
    return (await Promise.race([check.isReady(), late])) !== false
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
