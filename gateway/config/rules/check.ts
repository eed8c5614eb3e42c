import type { ConfigDraft } from '../draft.ts'
import type { Finding } from '../problem.ts'
import { unknownName } from './policies.ts'
import { keysOf } from './policy-keys.ts'

/** The check listener has a port of its own, a policy that its question can be counted on, and no strangers. */
export function checkCheckListener(draft: ConfigDraft): Finding[] {
  return [...checkPort(draft), ...checkPolicy(draft), ...checkHost(draft)]
}

function checkPort({ check, listen, admin }: ConfigDraft): Finding[] {
  const port = check?.port
  if (port === undefined || port === 0) return []
  const other = port === listen?.port ? 'listen' : port === admin?.port ? 'admin' : null
  if (other === null) return []
  const message = `check.port and ${other}.port are both ${port}`
  return [{ path: ['check', 'port'], otherPath: [other, 'port'], message, cure: 'change one of them' }]
}

function checkPolicy({ check, policies }: ConfigDraft): Finding[] {
  const name = check?.policy
  if (name === undefined || policies === undefined) return []
  const place = { path: ['check', 'policy'], value: JSON.stringify(name) }
  if (!Object.hasOwn(policies, name))
    return [{ ...place, ...unknownName('policy', name, Object.keys(policies)) }]
  const { by, algorithm } = policies[name] ?? {}
  if (keysOf(by).some((key) => key !== 'user')) {
    const message = 'counts by more than the user, and a check names nothing else'
    return [{ ...place, message, cure: 'name a policy by user alone' }]
  }
  if (algorithm !== 'concurrent') return []
  const message = 'counts calls that run at once, and nothing tells when a checked call ends'
  return [{ ...place, message, cure: 'name a policy with another algorithm' }]
}

/** Without a token, whoever reaches it spends anybody's calls. */
function checkHost({ check }: ConfigDraft): Finding[] {
  const host = check?.host
  if (host === undefined || check?.token !== '') return []
  if (/^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)) return []
  return [
    {
      path: ['check', 'host'],
      value: JSON.stringify(host),
      message: 'others can reach it, and it asks for no token',
      cure: 'set check.token, or write 127.0.0.1',
    },
  ]
}
