import ipaddr from 'ipaddr.js'
import type { ConfigDraft } from '../draft.ts'
import type { Finding } from '../problem.ts'
import { entriesOf } from './entries.ts'
import { checkOrigin } from './origin.ts'

export function checkListeners({ listen, admin }: ConfigDraft): Finding[] {
  return [...checkPorts({ listen, admin }), ...checkPublicUrl({ listen }), ...checkProxies({ listen })]
}

function checkPorts({ listen, admin }: ConfigDraft): Finding[] {
  const port = listen?.port
  if (port === undefined || port === 0 || port !== admin?.port) return []
  const message = `listen.port and admin.port are both ${port}`
  return [{ path: ['admin', 'port'], otherPath: ['listen', 'port'], message, cure: 'change one of them' }]
}

function checkPublicUrl({ listen }: ConfigDraft): Finding[] {
  if (!listen?.publicUrl) return []
  const path = ['listen', 'publicUrl']
  const findings = checkOrigin(listen.publicUrl, path)
  if (findings.length > 0 || listen.tls === undefined || !listen.publicUrl.startsWith('http:'))
    return findings
  const value = JSON.stringify(listen.publicUrl)
  return [{ path, value, message: 'in clear, while listen.tls serves by TLS', cure: 'write it with https' }]
}

function checkProxies({ listen }: ConfigDraft): Finding[] {
  const written = listen?.trustedProxies
  if (written === undefined) return []
  const entries = typeof written === 'string' ? entriesOf(written) : written
  return entries.flatMap((entry, index): Finding[] => {
    if (entry === undefined) return []
    const finding = {
      path: typeof written === 'string' ? ['listen', 'trustedProxies'] : ['listen', 'trustedProxies', index],
      value: JSON.stringify(entry),
    }
    if (!isAddressOrNetwork(entry.trim())) {
      const cure = 'write addresses or networks such as 10.0.0.0/8, separated by commas'
      return [{ ...finding, message: 'not an address or a network', cure }]
    }
    if (!entry.trim().endsWith('/0')) return []
    const message = 'trusts every caller to name its own address'
    return [{ ...finding, message, cure: 'name the proxies in front of the gateway' }]
  })
}

function isAddressOrNetwork(text: string): boolean {
  if (text.includes('/')) return ipaddr.isValidCIDR(text)
  // ipaddr.js also takes 127.1 and 0x7f000001, which Fastify and people read differently.
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
}
