import type { FastifyInstance, FastifyReply } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { FieldProblems } from './create-account.ts'

/** All that anyone learns from the answer: the rest is in the mail. */
export const sendAccepted = (reply: FastifyReply): FastifyReply =>
  reply.code(202).send({ message: 'A mail to this address says how to go on.' })

/** Every field that is wrong, with what would be right. */
export function invalidFields(problems: FieldProblems): GatewayError {
  return new GatewayError('invalid-body', {
    sentence: Object.values(problems).join(' '),
    members: { problems },
  })
}

/** Where something is switched off, its paths are ours all the same: the app behind us never sees them. */
export function serveNothing(app: FastifyInstance, paths: readonly string[]): void {
  for (const url of paths) {
    app.route({
      method: ['GET', 'POST'],
      url,
      handler() {
        throw new GatewayError('not-found')
      },
    })
  }
}
