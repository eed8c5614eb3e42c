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
  return (request, reply, done) => walkFrom(0, { steps, request, reply, done })
}

interface Way {
  readonly steps: readonly Step[]
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly done: (error?: Error) => void
}

function walkFrom(start: number, way: Way): void {
  const { steps, request, reply } = way
  for (let at = start; at < steps.length; at++) {
    if (reply.sent) return
    let taken: unknown
    try {
      taken = (steps[at] as Step)(request, reply)
    } catch (error) {
      fail(way, error)
      return
    }
    if (taken === undefined) continue
    if (taken === reply) return
    if (taken instanceof Promise) {
      waitFor(taken, at + 1, way)
      return
    }
  }
  way.done()
}

/** Apart from the loop, in which a closure would cost every step something. */
function waitFor(taken: Promise<unknown>, next: number, way: Way): void {
  taken.then(
    () => walkFrom(next, way),
    (error) => fail(way, error),
  )
}

/** Fastify takes `done(undefined)` for success: a step that refused would let pass. */
function fail({ done }: Way, thrown: unknown): void {
  done(thrown instanceof Error ? thrown : new Error('a step failed', { cause: thrown }))
}
