import { didYouMean } from '../describe.ts'
import type { ConfigDraft } from '../draft.ts'
import type { Finding, Path } from '../problem.ts'
import type { PolicyDraft } from './policy-fields.ts'
import { keysOf } from './policy-keys.ts'

/** Every policy that login or a route names exists, once, and can tell whose call it counts there. */
export function checkPolicyNames(draft: ConfigDraft): Finding[] {
  const routes = (draft.routes ?? []).flatMap((route, index) =>
    checkNames(draft, route?.policies, ['routes', index, 'policies'], unfitForRoutes),
  )
  const login = checkNames(draft, draft.login?.policies, ['login', 'policies'], unfitForLogin)
  return [...login, ...routes]
}

type Unfit = (policy: PolicyDraft) => { message: string; cure: string } | undefined

function unfitForRoutes({ by }: PolicyDraft): ReturnType<Unfit> {
  if (!keysOf(by).includes('account')) return undefined
  return { message: 'counts by account, which only login knows', cure: 'name a policy by user or by address' }
}

function unfitForLogin({ by, algorithm }: PolicyDraft): ReturnType<Unfit> {
  const unknown = keysOf(by).find((key) => key === 'user' || key === 'role')
  const cure = 'name a policy by account, by address or by a header'
  if (unknown !== undefined)
    return { message: `counts by ${unknown}, and nobody is connected before login`, cure }
  if (algorithm !== 'concurrent') return undefined
  return {
    message: 'counts calls that run at once, and nothing tells when a login ends',
    cure: 'name a policy with another algorithm',
  }
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
    const flaw = policies[name] && unfit(policies[name])
    return flaw ? [{ ...place, ...flaw }] : []
  })
}

export function unknownName(what: string, name: string, known: readonly string[]) {
  const choice =
    known.length > 0
      ? `write one of ${known.join(', ')}`
      : `add it to ${what === 'policy' ? 'policies' : `${what}s`}`
  return { message: `no such ${what}`, cure: didYouMean(name, known) ?? choice }
}
