import type { FastifyRequest } from 'fastify'
import { GatewayError } from '../errors.ts'
import { isClaim, isRouteClaim } from './claims.ts'
import { bytesOf, maxHeaderBytes, maxHeaderLines } from './header-bounds.ts'
import { readTarget } from './request-target.ts'
import type { TrustedProxies } from './trusted-proxies.ts'

/**
 * Step 1. Refuses what two readers could understand differently, and drops every header by which a
 * client could claim to be somebody or to come from somewhere. Whoever reads the request later may
 * believe what is left.
 */
export function stripClaims(proxies: TrustedProxies) {
  return function stripClaims(request: FastifyRequest): void {
    const { raw, journey } = request
    const { headers, rawHeaders: lines } = raw
    if (lines.length > 2 * maxHeaderLines || (raw.httpVersionMajor > 1 && bytesOf(lines) > maxHeaderBytes))
      throw new GatewayError('headers-too-large')
    const peer = raw.socket.remoteAddress ?? ''
    const isProxy = proxies.trusts(peer)
    journey.address = proxies.clientAddress(
      peer,
      isProxy ? headerText(headers['x-forwarded-for']) : undefined,
    )

    for (const name in headers) {
      if (isClaim(name) && !(isProxy && isRouteClaim(name))) delete headers[name]
    }
    const hosts = countHosts(lines)
    // RFC 9112 §3.2. HTTP/1.0 knew no Host.
    if (hosts > 1 || (hosts === 0 && raw.httpVersion !== '1.0'))
      throw new GatewayError('invalid-request', { sentence: 'Send exactly one Host header.' })
    if (!isHost.test(headers.host ?? ''))
      throw new GatewayError('invalid-request', {
        sentence: 'Send a Host header with a host, such as shop.example.',
      })

    const target = readTarget(raw.url ?? '')
    switch (target.kind) {
      case 'path':
        journey.path = target.path
        return
      case 'too-long':
        throw new GatewayError('path-too-long')
      case 'ambiguous':
        throw new GatewayError('ambiguous-path')
      case 'not-a-path':
        if (raw.url === '*') throw new GatewayError('method-not-allowed')
        throw new GatewayError('invalid-request', {
          sentence: 'Send a path of this site, such as /services.',
        })
    }
  }
}

/** RFC 9110 §7.2, with what RFC 3986 §3.2.2 lets a host be; empty where a client knows none. */
const isHost = /^(?:[\w.~!$&'()*+,;=%-]*|\[[\da-f:.]+\])(?::\d*)?$/i

/** Of several Node keeps the first. */
function countHosts(lines: readonly string[]): number {
  let hosts = 0
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts
}

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(',') : value
