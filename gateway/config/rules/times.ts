import type { ConfigDraft } from '../draft.ts'
import { parseDurationMs } from '../duration.ts'
import type { Finding } from '../problem.ts'

export function checkTimes({ identity, limits }: ConfigDraft): Finding[] {
  return [
    ...atMost(
      ['identity', 'accessTokenLifetime'],
      identity?.accessTokenLifetime,
      'sessionLifetime',
      identity?.sessionLifetime,
    ),
    ...atMost(['limits', 'headersTimeout'], limits?.headersTimeout, 'requestTimeout', limits?.requestTimeout),
  ]
}

function atMost(
  path: string[],
  shorter: string | undefined,
  name: string,
  longer: string | undefined,
): Finding[] {
  if (shorter === undefined || longer === undefined) return []
  if ((parseDurationMs(shorter) ?? 0) <= (parseDurationMs(longer) ?? Infinity)) return []
  return [
    { path, value: shorter, message: `longer than ${name} (${longer})`, cure: `write at most ${longer}` },
  ]
}
