import type { FastifyReply, FastifyRequest } from 'fastify'
import { readCookies } from './cookies.ts'
import { type IdentifyOptions, identifyCaller, refuseUnauthenticated } from './identify-caller.step.ts'

/**
 * Who is calling where no session is needed, but a token that is worth nothing is refused: what an
 * anonymous caller would be told is about someone else.
 */
export function identifyVisitor(options: IdentifyOptions) {
  const identify = identifyCaller(options)
  const refuse = refuseUnauthenticated(options)
  return async function identifyVisitor(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    await identify(request, reply)
    const { journey, headers } = request
    if (journey.caller.kind === 'connected') return undefined
    const { access } = options.cookies.names
    const wasNamed =
      /^bearer\b/i.test(headers.authorization ?? '') || readCookies(headers.cookie, access).length > 0
    return wasNamed ? refuse(request, reply) : undefined
  }
}
