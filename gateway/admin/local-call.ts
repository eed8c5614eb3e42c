import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a call comes from this machine and was meant for it. A proxy on this machine makes everyone's
 * calls look local, and a web page can point its own name at 127.0.0.1 (DNS rebinding): the headers
 * that give them away make the call a foreign one.
 */
export function isLocalCall(peerAddress: string | undefined, headers: IncomingHttpHeaders): boolean {
  if (!/^(::ffff:)?127\.|^::1$/.test(peerAddress ?? '')) return false
  if (
    headers['x-forwarded-for'] !== undefined ||
    headers.forwarded !== undefined ||
    headers.via !== undefined
  ) {
    return false
  }
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(headers.host ?? '')
}
