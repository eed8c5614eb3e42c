import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'

/**
 * One step of a request's way. It ends the way by throwing, or by returning the reply, which it answers now or later;
 * one that has to wait returns a promise. Whatever else it returns, the next step follows.
 */
export type Step = (request: FastifyRequest, reply: FastifyReply) => unknown

/**
 * These steps, one after the other, as one hook. Fastify takes a turn for each hook, and a promise for each that
 * is `async`; together these cost a request more than most steps do.
 */
export function walk(steps: readonly Step[]): onRequestHookHandler {
  return (request, reply, done) => walkFrom(0, steps, request, reply, done)
}

function walkFrom(
  start: number,
  steps: readonly Step[],
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  for (let at = start; at < steps.length; at++) {
    if (reply.sent) return
    let taken: unknown
    try {
      taken = (steps[at] as Step)(request, reply)
    } catch (error) {
      done(error as Error)
      return
    }
    if (taken === reply) return
    if (taken instanceof Promise) {
      taken.then(() => walkFrom(at + 1, steps, request, reply, done), done)
      return
    }
  }
  done()
}
