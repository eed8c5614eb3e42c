import type { ConfigDraft } from '../draft.ts'
import { parseDurationMs } from '../duration.ts'
import type { Finding } from '../problem.ts'

export function checkTimes({ identity, limits }: ConfigDraft): Finding[] {
  return [
    ...checkOrder('identity', identity, 'accessTokenLifetime', 'sessionLifetime'),
    ...checkOrder('identity', identity, 'idleLifetime', 'sessionLifetime'),
    ...checkIdleOutlivesToken(identity),
    ...checkOrder('limits', limits, 'headersTimeout', 'requestTimeout'),
  ]
}

function checkOrder<Key extends string>(
  section: string,
  values: { readonly [Name in Key]?: string | undefined } | undefined,
  shorter: Key,
  longer: Key,
): Finding[] {
  const least = values?.[shorter]
  const most = values?.[longer]
  if (least === undefined || most === undefined) return []
  if ((parseDurationMs(least) ?? 0) <= (parseDurationMs(most) ?? Infinity)) return []
  const message = `${shorter} (${least}) is longer than ${longer} (${most})`
  const cure = `shorten ${shorter} or lengthen ${longer}`
  return [{ path: [section, shorter], otherPath: [section, longer], message, cure }]
}

/** A session is used when its tokens are refreshed: it has to outlive the token that is refreshed. */
function checkIdleOutlivesToken(identity: ConfigDraft['identity']): Finding[] {
  const { accessTokenLifetime: token, idleLifetime: idle } = identity ?? {}
  if (token === undefined || idle === undefined) return []
  if ((parseDurationMs(idle) ?? Infinity) > (parseDurationMs(token) ?? 0)) return []
  return [
    {
      path: ['identity', 'idleLifetime'],
      otherPath: ['identity', 'accessTokenLifetime'],
      message: `idleLifetime (${idle}) is not longer than accessTokenLifetime (${token})`,
      cure: 'lengthen idleLifetime or shorten accessTokenLifetime',
    },
  ]
}
