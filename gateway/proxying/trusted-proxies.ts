import ipaddr from 'ipaddr.js'
import { LRUCache } from 'lru-cache'

export interface TrustedProxies {
  trusts(address: string): boolean
  /** The client's address: the last one in X-Forwarded-For that no proxy of ours has, else the peer's. */
  clientAddress(peer: string, forwardedFor: string | undefined): string
}

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

/**
 * Whose X-Forwarded-* may be believed.
 * @param networks addresses or CIDR blocks, IPv4 or IPv6, already checked by the configuration
 */
export function createTrustedProxies(networks: readonly string[]): TrustedProxies {
  const ranges = networks.map(parseNetwork)
  const verdicts = new LRUCache<string, boolean>({ max: 10_000 })

  /** Parsed once: the same few peers make nearly all requests. */
  function trusts(address: string): boolean {
    if (ranges.length === 0) return false
    let verdict = verdicts.get(address)
    if (verdict === undefined) {
      verdict = isInRange(address)
      verdicts.set(address, verdict)
    }
    return verdict
  }

  function isInRange(address: string): boolean {
    if (!ipaddr.isValid(address)) return false
    const parsed = ipaddr.process(address)
    return ranges.some(
      ([range, bits]) => parsed.kind() === range.kind() && parsed.match([range, bits] as never),
    )
  }

  function clientAddress(peer: string, forwardedFor: string | undefined): string {
    let address = plainAddress(peer)
    if (forwardedFor === undefined || !trusts(address)) return address
    const hops = forwardedFor.split(',')
    while (trusts(address) && hops.length > 0) {
      const previous = plainAddress((hops.pop() as string).trim())
      if (!ipaddr.isValid(previous)) break
      address = previous
    }
    return address
  }

  return { trusts: (address) => trusts(plainAddress(address)), clientAddress }
}

/** IPv4-mapped IPv6 (`::ffff:192.0.2.1`) is the same client as its IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function parseNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text) as Network
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}
