import type { Responses } from './responses.ts'

export interface BypassOptions {
  /** Milliseconds on a clock that is never set back. */
  readonly now?: () => number
}

/** Failures in a row after which the place is left alone for a while. */
const failuresToGoAway = 3
const leftAloneMs = 1_000

/**
 * A place that is away holds nothing and keeps nothing: it never makes an error of an answer. After a few failures
 * it is asked again only once a second, so that a silent one costs no request its deadline. Purging alone
 * rejects: whoever asks for it must know.
 */
export function bypassWhenAway(
  home: Responses,
  { now = () => performance.now() }: BypassOptions = {},
): Responses {
  let failures = 0
  let againAtMs = 0

  async function unlessAway<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
    if (failures >= failuresToGoAway) {
      if (now() < againAtMs) return otherwise
      againAtMs = now() + leftAloneMs
    }
    try {
      const answer = await ask()
      failures = 0
      return answer
    } catch {
      failures++
      if (failures === failuresToGoAway) againAtMs = now() + leftAloneMs
      return otherwise
    }
  }

  return {
    find: (keys) =>
      unlessAway(
        () => home.find(keys),
        keys.map(() => null),
      ),
    keep: (keeping) => unlessAway(() => home.keep(keeping), false),
    forget: (keys) => unlessAway(() => home.forget(keys), undefined),
    purge: (group) => home.purge(group),
  }
}
