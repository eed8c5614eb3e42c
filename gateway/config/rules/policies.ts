import { didYouMean } from '../describe.ts'
import type { ConfigDraft } from '../draft.ts'
import type { Finding, Path } from '../problem.ts'

/** Every policy that login or a route names exists, once, and can tell whose call it counts there. */
export function checkPolicyNames(draft: ConfigDraft): Finding[] {
  const routes = (draft.routes ?? []).flatMap((route, index) =>
    checkNames(draft, route?.policies, ['routes', index, 'policies'], {
      by: 'account',
      message: 'counts by account, which only login knows',
      cure: 'name a policy by user or by address',
    }),
  )
  const login = checkNames(draft, draft.login?.policies, ['login', 'policies'], {
    by: 'user',
    message: 'counts by user, and nobody is connected before login',
    cure: 'name a policy by account or by address',
  })
  return [...login, ...routes]
}

interface Unfit {
  by: string
  message: string
  cure: string
}

function checkNames(
  { policies }: ConfigDraft,
  names: readonly (string | undefined)[] | undefined,
  path: Path,
  unfit: Unfit,
): Finding[] {
  return (names ?? []).flatMap((name, index): Finding[] => {
    if (name === undefined || policies === undefined) return []
    const place = { path: [...path, index], value: JSON.stringify(name) }
    if (!Object.hasOwn(policies, name))
      return [{ ...place, ...unknownName('policy', name, Object.keys(policies)) }]
    if (names?.indexOf(name) !== index)
      return [{ ...place, message: 'named twice', cure: 'remove one of them' }]
    return policies[name]?.by === unfit.by ? [{ ...place, message: unfit.message, cure: unfit.cure }] : []
  })
}

export function unknownName(what: string, name: string, known: readonly string[]) {
  const choice =
    known.length > 0
      ? `write one of ${known.join(', ')}`
      : `add it to ${what === 'policy' ? 'policies' : `${what}s`}`
  return { message: `no such ${what}`, cure: didYouMean(name, known) ?? choice }
}
