import { describe, expect, it } from 'vitest'
import { createTrustedProxies } from './trusted-proxies.ts'

describe('the client’s address', () => {
  it('is the peer’s, whatever X-Forwarded-For says, while no proxy is trusted', () => {
    const proxies = createTrustedProxies([])
    expect(proxies.clientAddress('203.0.113.9', '1.2.3.4')).toBe('203.0.113.9')
    expect(proxies.clientAddress('::ffff:203.0.113.9', '1.2.3.4')).toBe('203.0.113.9')
  })

  it.each([
    ['the last hop that is not ours', '10.0.0.1', '9.9.9.9, 1.2.3.4', '1.2.3.4'],
    ['found behind several proxies of ours', '10.0.0.1', '1.2.3.4, 10.0.0.7, 2001:db8::5', '1.2.3.4'],
    ['IPv4 when mapped', '::ffff:10.0.0.1', '::ffff:1.2.3.4', '1.2.3.4'],
    ['the peer’s when the header is missing', '10.0.0.1', undefined, '10.0.0.1'],
    ['the last believable one when the header is nonsense', '10.0.0.1', 'nonsense', '10.0.0.1'],
    ['the first hop when all are ours', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['the peer’s when the peer is a stranger', '11.0.0.1', '1.2.3.4', '11.0.0.1'],
    ['found in 200 entries', '10.0.0.1', `${'6.6.6.6, '.repeat(199)}1.2.3.4`, '1.2.3.4'],
  ])('is %s', (_, peer, forwardedFor, client) => {
    const proxies = createTrustedProxies(['10.0.0.0/8', '2001:db8::/32'])
    expect(proxies.clientAddress(peer, forwardedFor)).toBe(client)
  })
})
